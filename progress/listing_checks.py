"""Runs every listing of a course as a learner would, so that its author knows which of them work."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from lessons.listings import Program, assemble
from lessons.models import Course, Lesson
from progress.images import image_of
from progress.model_calls import ScriptedLine
from progress.models import ListingCheck
from progress.programs import PlacedListing, chapter_listings
from sandbox.control import RunControl
from sandbox.execution import Outcome, RunRequest, RunResult, Source, Stream
from sandbox.image import Image
from sandbox.pools import Pools


def check_course(
    course: Course, *, language: str, pool: Pools, timeout: int, at_once: int = 4
) -> Iterator[ListingCheck]:
    """Run the listings of each chapter, `at_once` in parallel, yield each finding, unsaved, in order."""
    image = image_of(course)
    with ThreadPoolExecutor(at_once) as threads:
        for chapter in Lesson.objects.published().chapters().filter(course=course):
            placed = chapter_listings(chapter_id=chapter.pk, language=language)
            programs = [assemble([each.listing for each in placed], target) for target in range(len(placed))]
            lines = [
                ScriptedLine(
                    course_id=course.pk,
                    lesson_id=place.text.lesson_id,
                    language=place.text.language,
                    stand_in=True,
                )
                for place in placed
            ]
            try:
                results = threads.map(
                    lambda program, line: _run(program, image, pool, timeout, line), programs, lines
                )
                yield from map(_check, placed, results, lines)
            finally:
                for line in lines:
                    line.close()


def save_checks(course: Course, *, language: str, checks: list[ListingCheck]) -> None:
    """Replace what was known of the course's listings in this language."""
    ListingCheck.objects.filter(lesson__course=course, language=language).delete()
    ListingCheck.objects.bulk_create(checks)


def _run(program: Program, image: Image, pool: Pools, timeout: int, line: ScriptedLine) -> RunResult:
    request = RunRequest(
        code=program.code,
        image=image,
        name=program.name,
        timeout=timeout,
        stdin="",
        prelude=tuple(Source(name=name, code=code) for name, code in program.prelude),
        files=program.files,
    )
    return pool.run(request, on_event=lambda event: None, control=RunControl(), answer=line.answer)


def _check(place: PlacedListing, result: RunResult, line: ScriptedLine) -> ListingCheck:
    text = place.text
    outcome, reason = _judge(result, place.listing.expected_output)
    if line.trouble and not reason:  # programs that catch what goes wrong end well all the same
        reason = f"No model answered: {line.trouble}"
    if line.stood_in and not reason:
        reason = "A stand-in answered for the model: the lesson has no script for what was asked."
    return ListingCheck(
        lesson_id=text.lesson_id,
        language=text.language,
        index=place.listing.index,
        source=f"{text.source_path}:{text.source_line + place.listing.line - 1}",
        outcome=outcome,
        reason=reason,
    )


def _judge(result: RunResult, expected_output: str) -> tuple[Outcome, str]:
    if result.outcome is Outcome.OK:
        as_shown = not expected_output or result.text(Stream.STDOUT).split() == expected_output.split()
        return Outcome.OK, "" if as_shown else "It prints something else than the page shows."
    lines = result.text(Stream.STDERR).strip().splitlines()
    reason = lines[-1][:500] if lines else ""
    if reason.startswith("EOFError: EOF when reading a line"):
        return Outcome.OK, "It runs until it asks for input."
    return result.outcome, reason
