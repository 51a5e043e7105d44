"""Exercises among a course's files: `*.exercise.toml`, anywhere in its folder."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from lessons.exercises import SUFFIX, Definition, read_exercise
from lessons.importing.folder import CourseFolder, Unreadable
from lessons.importing.problems import Problem
from lessons.importing.scripts import ScriptFiles
from lessons.toml_files import BadFile, Reader

_KEPT = "Until then the exercise stays as it was."


@dataclass(frozen=True)
class ExerciseFile:
    """An exercise that can be set. `position` is its place among those of its lesson, from 1."""

    path: str
    position: int
    definition: Definition
    text: str

    def line_of(self, key: str) -> int:
        return Reader(self.text).line_of(key, 0)


@dataclass(frozen=True)
class ExerciseFiles:
    """The exercises of a course folder, and the paths of those that cannot be used now."""

    files: tuple[ExerciseFile, ...] = ()
    unusable: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


def read_exercises(folder: CourseFolder, scripts: ScriptFiles) -> ExerciseFiles:
    """All exercises of a course in the order of their lessons' lists, each mistake with file and line."""
    found: dict[str, tuple[str, Definition, str]] = {}
    unusable: set[str] = set()
    problems: list[Problem] = []
    for path in sorted(path for path in folder.files if path.endswith(SUFFIX)):
        try:
            text = folder.read_text(path)
            definition = read_exercise(text)
        except Unreadable as error:
            unusable.add(path)
            problems.append(error.problem)
        except BadFile as error:
            unusable.add(path)
            problems += [Problem(path, at.line, at.what, f"{at.mend} {_KEPT}") for at in error.mistakes]
        else:
            if definition.id in found:
                what = f"has the id {definition.id}, as {found[definition.id][0]} has; this one is left out."
                problems.append(
                    Problem(path, Reader(text).line_of("id", 0), what, "Give it an id of its own.")
                )
            else:
                found[definition.id] = path, definition, text
    files = _in_order(found.values())
    problems += [problem for file in files for problem in _model_problems(file, scripts)]
    return ExerciseFiles(files, frozenset(unusable), tuple(problems))


def no_such_lesson(file: ExerciseFile) -> Problem:
    what = f"is for lesson {file.definition.lesson}, which the course has not got; it is left out."
    return Problem(file.path, file.line_of("lesson"), what, 'Set lesson to a number such as "4.2".')


def unknown_concepts(file: ExerciseFile, known: Iterable[str]) -> list[Problem]:
    line = file.line_of("concepts")
    mend = "Name it in course.toml under [concepts]."
    return [
        Problem(file.path, line, f"practises {concept}, of which the course knows nothing.", mend)
        for concept in file.definition.concepts
        if concept not in known
    ]


def _in_order(found: Iterable[tuple[str, Definition, str]]) -> tuple[ExerciseFile, ...]:
    """By the positions they give; those that give none come after, by file name."""
    ordered = sorted(found, key=lambda item: (item[1].position is None, item[1].position or 0, item[0]))
    places: dict[str, int] = {}
    files = []
    for path, definition, text in ordered:
        places[definition.lesson] = place = places.get(definition.lesson, 0) + 1
        files.append(ExerciseFile(path, place, definition, text))
    return tuple(files)


def _model_problems(file: ExerciseFile, scripts: ScriptFiles) -> list[Problem]:
    """What is wrong with the scripted model that an exercise names."""
    if not file.definition.model:
        return []
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), file.definition.model))
    if path in scripts.unusable:
        return []  # told already
    script = next((script for script in scripts.files if script.path == path), None)
    if script is not None and script.exercise == file.definition.id:
        return []
    what = f"names the model {path}, which "
    what += f"is for {script.whom}." if script else "the course folder has not got."
    mend = f'Put exercise = "{file.definition.id}" at its head, without lesson.'
    return [Problem(file.path, file.line_of("model"), what, mend)]
