"""`make messages`: collect the texts for translation, and compile the translations."""

from __future__ import annotations

import os
import sys

from deploy.dev import services
from deploy.dev.environment import find, prepare_python, say
from deploy.dev.processes import SetupError

NOT_OURS = (".venv", "var", "node_modules", "static")


def main() -> None:
    if find("msgfmt") is None:
        sys.exit("make messages needs gettext. On Debian: apt-get install gettext")
    env = {**os.environ, "DEBUG": "true"}
    ignored = [f"--ignore={folder}/*" for folder in NOT_OURS]
    try:
        prepare_python("requirements.txt")
        collect = ["makemessages", "--no-location", "--no-obsolete", "--locale", "zh_Hans", "--locale", "en"]
        services.manage(env, *collect, *ignored)
        services.manage(env, "compilemessages", *ignored)
    except SetupError as error:
        sys.exit(f"\n{error}")
    say("locale/ is up to date. Texts without a translation are empty in the .po files.")


if __name__ == "__main__":
    main()
