"""`make check`: everything that can be told without running the site. Two checks run at a time."""

from __future__ import annotations

import filecmp
import gettext
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.dev.environment import find, prepare_python, say
from deploy.dev.processes import ROOT, SetupError

BIN = ROOT / ".venv" / "bin"
CI = os.environ.get("CI", "").lower() == "true"
ENV = os.environ | {"DEBUG": "true", "DJANGO_SETTINGS_MODULE": "helloagents.settings"}
ENV.pop("DATABASE_URL", None)


@dataclass(frozen=True)
class Verdict:
    """What a check found: an empty complaint is a pass; `skipped` says why it could not look."""

    complaint: str = ""
    skipped: str = ""


Check = Callable[[], Verdict]


def main() -> None:
    try:
        prepare_python("requirements-dev.txt")
    except SetupError as error:
        sys.exit(f"\n{error}")
    if not run_checks():
        sys.exit(1)


def run_checks() -> bool:
    """Run all checks, print what they found, and return whether all passed."""
    verdicts = _verdicts()
    passed = True
    for name, verdict in verdicts.items():
        if verdict.skipped:
            say(f"{name}: skipped, {verdict.skipped}")
        if verdict.complaint or (verdict.skipped and CI):
            passed = False
            say(f"{name}: FAILED\n{verdict.complaint}")
    say(f"{len(verdicts)} static checks {'passed' if passed else 'done, see above'}")
    return passed


def _verdicts() -> dict[str, Verdict]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = {name: pool.submit(check) for name, check in CHECKS.items()}
        try:
            return {name: future.result() for name, future in futures.items()}
        except BaseException:  # interrupted: do not wait for what nobody wants to know any more
            pool.shutdown(wait=False, cancel_futures=True)
            for child in _running:
                child.terminate()
            raise


def command(*words: str | Path) -> Check:
    def check() -> Verdict:
        return _run(words)

    return check


def templates_are_tidy() -> Verdict:
    # Not all that is below ROOT: folders in var/ come and go while somebody looks.
    templates = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("*/templates/**/*.html")]
    return _run([BIN / "djade", "--check", "--target-version", "5.2", *sorted(templates)])


def messages_are_compiled() -> Verdict:
    """Each .mo says what its .po says."""
    if find("msgfmt") is None:
        return Verdict(skipped="there is no gettext (Debian: apt-get install gettext)")
    stale = [po for po in sorted(ROOT.glob("locale/*/LC_MESSAGES/*.po")) if not _is_compiled(po)]
    complaint = "\n".join(
        f"{po.relative_to(ROOT)}: the .mo beside it is older. Run make messages." for po in stale
    )
    return Verdict(complaint)


def _is_compiled(po: Path) -> bool:
    mo = po.with_suffix(".mo")
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "fresh.mo"
        compiled = subprocess.run(["msgfmt", "--check-format", "-o", fresh, po], capture_output=True)
        return compiled.returncode == 0 and mo.exists() and _catalogue(fresh) == _catalogue(mo)


def _catalogue(mo: Path) -> dict[object, str]:
    """The messages in a compiled file, without its header."""
    with mo.open("rb") as file:
        # Private, but all that the standard library offers to read a compiled catalogue whole.
        catalogue: dict[object, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {source: text for source, text in catalogue.items() if source != ""}


def scripts_are_built() -> Verdict:
    """The browser's scripts pass their tests, and static/dist is what static/src builds."""
    if find("npm") is None:
        return Verdict(skipped="there is no npm (see https://nodejs.org)")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(ROOT / name, copy)
        shutil.copytree(ROOT / "static" / "src", copy / "static" / "src")
        steps = (
            ["npm", "ci", "--no-audit", "--no-fund"],
            ["npm", "run", "check"],
            ["npm", "test"],
            ["npm", "run", "build"],
        )
        for step in steps:
            verdict = _run(step, cwd=copy)
            if verdict.complaint:
                return verdict
        return _same_files(copy / "static" / "dist", ROOT / "static" / "dist")


def _same_files(built: Path, committed: Path) -> Verdict:
    names = {path.name for path in (*built.iterdir(), *committed.iterdir())}
    _, differing, missing = filecmp.cmpfiles(built, committed, names, shallow=False)
    changed = ", ".join(sorted(differing + missing))
    return Verdict(
        f"static/dist is not what static/src builds: {changed}. Run make assets." if changed else ""
    )


def _run(words: Sequence[str | Path], cwd: Path = ROOT) -> Verdict:
    pipe: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(words, cwd=cwd, env=ENV, **pipe) as child:
        _running.append(child)
        output = child.communicate()[0]
        _running.remove(child)
    return Verdict((output.strip() or "failed") if child.returncode else "")


_running: list[subprocess.Popen[str]] = []


# The slow ones first, so that the two lanes end together.
CHECKS: dict[str, Check] = {
    "types": command(BIN / "mypy"),
    "browser scripts": scripts_are_built,
    "migrations": command(BIN / "python", "manage.py", "makemigrations", "--check", "--dry-run"),
    "layers": command(BIN / "lint-imports"),
    "format": command(BIN / "ruff", "format", "--check", "--quiet"),
    "lint": command(BIN / "ruff", "check", "--quiet"),
    "templates": templates_are_tidy,
    "messages": messages_are_compiled,
}


if __name__ == "__main__":
    main()
