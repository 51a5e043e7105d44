"""`course.toml`, beside the sidebar: what a course says about running its programs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from lessons.exercises import by_language, exercise_languages
from lessons.importing.folder import CourseFolder, Unreadable
from lessons.importing.problems import Problem
from lessons.models import Course, validate_pinned
from lessons.toml_files import Unfit, slug, text

COURSE_FILE = "course.toml"
_KEPT = "until then the course keeps what it had."


class _Unfit(Exception):
    """A value that cannot be used; the message continues “sets image to …, ”."""


def read_course_file(folder: CourseFolder) -> tuple[dict[str, Any], list[Problem]]:
    """Values for fields of `Course`, as far as the file sets them well, and what is wrong with the rest."""
    if COURSE_FILE not in folder.files:
        return {}, []
    try:
        text = folder.read_text(COURSE_FILE)
        said = tomllib.loads(text)
    except Unreadable as error:
        return {}, [error.problem]
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        what = f"is not TOML ({error})."
        return {}, [
            Problem(COURSE_FILE, int(line[1]) if line else len(text.splitlines()), what, f"Mend it; {_KEPT}")
        ]
    return _examine(said, text)


def _examine(said: Mapping[str, Any], text: str) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    problems = []
    for key, value in said.items():
        line = _line_of(key, text)
        if key not in _FIELDS:
            mend = f"Use {', '.join(_FIELDS)}."
            problems.append(Problem(COURSE_FILE, line, f"sets {key}, which no course has.", mend))
            continue
        try:
            values[key] = _FIELDS[key](value)
        except _Unfit as error:
            problems.append(Problem(COURSE_FILE, line, f"sets {key} to {value!r}.", f"{error}; {_KEPT}"))
    return values, problems


def _line_of(key: str, text: str) -> int:
    found = re.search(rf"""^\s*\[?["']?{re.escape(key)}\b""", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else 1


def _one_of(choices: list[str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise _Unfit(f"Use one of {', '.join(choices)}")
        return str(value)

    return check


def _packages(value: Any) -> str:
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise _Unfit('Give a list: packages = ["numpy==2.4.6"]')
    lines = "\n".join(value)
    try:
        validate_pinned(lines)
    except ValidationError as error:
        raise _Unfit(" ".join(error.messages).rstrip(".")) from error
    return lines


def _concepts(value: Any) -> dict[str, dict[str, str]]:
    """{slug: {language: name}}; a name for all languages holds for each."""
    if not isinstance(value, dict):
        raise _Unfit('Give a table: [concepts] and a line such as tools = { en = "Tools" }')
    languages = exercise_languages()
    concepts = {}
    for concept, said in value.items():
        try:
            slug(concept)
            names = by_language(text(100))(said)
        except Unfit as error:
            raise _Unfit(f"{concept} does not do: {str(error)[0].lower()}{str(error)[1:]}") from error
        concepts[concept] = {code: names.get(code, names.get("", "")) for code in languages}
        concepts[concept] = {code: name for code, name in concepts[concept].items() if name}
    return concepts


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "image": _one_of(Course.CodeImage.values),
    "packages": _packages,
    "concepts": _concepts,
    "code_policy": _one_of(Course.CodePolicy.values),
}
