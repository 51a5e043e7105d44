"""What README points to exists."""

import re

import pytest
from django.conf import settings

README = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", README)
# Files and folders named in the text, from the repository's root.
PLACES = [
    place for place in re.findall(r"`([\w.-]+(?:/[\w.-]+)+/?)`", README) if not place.startswith(".venv")
]


@pytest.mark.parametrize("path", [*LINKS, *PLACES])
def test_what_it_names_exists(path: str) -> None:
    assert (settings.BASE_DIR / path).exists()


def test_there_is_something_to_look_at() -> None:
    assert ".env.example" in LINKS
    assert "lessons/importing/" in PLACES
