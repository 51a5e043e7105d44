"""Scripted models among a course's files: `*.model.toml`, anywhere in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lessons.importing.folder import CourseFolder, Unreadable
from lessons.importing.problems import Problem
from lessons.model_scripts import SUFFIX, read_script
from lessons.models import Lesson
from lessons.toml_files import BadFile

_KEPT = "Until then the lesson keeps the scripted model it had."


@dataclass(frozen=True)
class ScriptFile:
    """A script that can be played. `lesson` is the number it names, `exercise` an id; neither: for all."""

    path: str
    name: str
    lesson: str
    exercise: str
    text: str

    @property
    def whom(self) -> str:
        if self.exercise:
            return f"the exercise {self.exercise}"
        return f"lesson {self.lesson}" if self.lesson else "the whole course"


@dataclass(frozen=True)
class ScriptFiles:
    """The scripts of a course folder, and the paths of those that cannot be used now."""

    files: tuple[ScriptFile, ...] = ()
    unusable: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


def read_scripts(folder: CourseFolder) -> ScriptFiles:
    """All scripts of a course, each mistake with file and line."""
    files: dict[str, ScriptFile] = {}  # by whom they are for
    unusable: set[str] = set()
    problems: list[Problem] = []
    for path in sorted(path for path in folder.files if path.endswith(SUFFIX)):
        try:
            file = _read(path, folder.read_text(path))
        except Unreadable as error:
            unusable.add(path)
            problems.append(error.problem)
        except BadFile as error:
            unusable.add(path)
            problems += [Problem(path, at.line, at.what, f"{at.mend} {_KEPT}") for at in error.mistakes]
        else:
            if file.whom in files:
                what = f"is for {file.whom}, as {files[file.whom].path} is; this one is left out."
                problems.append(Problem(path, 1, what, "Make them one file."))
            else:
                files[file.whom] = file
    return ScriptFiles(tuple(files.values()), frozenset(unusable), tuple(problems))


def numbered(lessons: Sequence[tuple[str, Lesson]]) -> Mapping[str, Lesson]:
    """Lessons by the number the files give them. A chapter comes before a lesson that has the same."""
    ordered = sorted(lessons, key=lambda item: not item[1].is_chapter)
    return {number: lesson for number, lesson in reversed(ordered) if number}


def no_such_place(file: ScriptFile) -> Problem:
    what = f"is for {file.whom}, which the course has not got; it is left out."
    mend = "Set exercise to an id" if file.exercise else 'Set lesson to a number such as "4.2"'
    return Problem(file.path, 1, what, f"{mend}, or leave it out.")


def _read(path: str, text: str) -> ScriptFile:
    stem = path.rpartition("/")[2].removesuffix(SUFFIX)
    script = read_script(text, name=stem[:60] or "script")
    return ScriptFile(path, script.name, script.lesson, script.exercise, text)
