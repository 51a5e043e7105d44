"""The texts of the learn page's scripts: the templates have each one they ask for, and no other."""

import re

from django.conf import settings
from django.template.loader import render_to_string

SOURCES = settings.BASE_DIR / "static" / "src"
TEMPLATES = ("lessons/_workbench_messages.html", "tutor/_panel.html")


def texts_in_the_templates() -> set[str]:
    html = "".join(map(render_to_string, TEMPLATES))
    return set(re.findall(r'data-message="([^"]+)"', html))


def scripts() -> str:
    return "\n".join(path.read_text() for path in SOURCES.glob("*.js"))


def texts_in_the_scripts() -> set[str]:
    code = scripts()
    asked = set(re.findall(r'\bt\(\s*"([a-z-]+)"', code))
    alternatives = re.findall(r'#t\(\w+ \? "([a-z-]+)" : "([a-z-]+)"\)', code)
    [statuses] = re.findall(r"@typedef \{([^}]+)\} DraftStatus", code)
    drafts = {f"draft-{status}" for status in re.findall(r'"([a-z-]+)"', statuses)}
    calls = set(re.findall(r'\? "(call-[a-z]+)"|: "(call-[a-z]+)"', code))  # how a call ended, one of three
    return asked | {key for found in [*alternatives, *calls] for key in found if key} | drafts


def test_the_templates_have_every_text_that_the_scripts_ask_for() -> None:
    asked = texts_in_the_scripts()
    assert len(asked) > 40  # the search above still finds them
    assert asked - texts_in_the_templates() == set()


def test_the_templates_have_no_text_that_nobody_asks_for() -> None:
    """Each is named somewhere in a script, or begins as a name that is put together there."""
    code = scripts()
    beginnings = tuple(re.findall(r"`([a-z]+-)\$\{", code))
    own = {key for key in texts_in_the_templates() if not key.startswith(("cm:", *beginnings))}
    assert {key for key in own if f'"{key}"' not in code} == set()
