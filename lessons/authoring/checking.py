"""What is wrong with a text before anybody reads it, each with its line."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from lessons.authoring.comparing import MINE, THEIRS
from lessons.importing import markdown
from lessons.importing.headings import heading_of
from lessons.models import Lesson, LessonText
from lessons.rendering import Rendered

_NO_LINE = 0
# A heading, and what would close a comment or a piece of HTML that was left open before it.
_FOLLOWING = ("##\n", "--></pre></script></style>\n")


@dataclass(frozen=True, order=True)
class Remark:
    """Something about a line (from 1; 0 for the whole text). A fault keeps the text from being published."""

    line: int
    message: str
    is_fault: bool = False


def as_kept(text: str, *, like: str = "") -> str:
    """A text from a browser, which sends CRLF, with the line ends of the one it replaces."""
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    if not text.strip():
        return ""
    end = like[len(like.rstrip("\r\n")) :].replace("\r\n", "\n") if like else "\n"
    text = text.rstrip("\n") + end
    return text.replace("\n", "\r\n") if "\r\n" in like else text


def mark_of(text: str) -> str:
    """The same for two texts that differ in line ends alone: by it a page says what it began with."""
    return hashlib.sha256(as_kept(text).encode()).hexdigest()


def faults_of(lesson: Lesson, text: str) -> list[Remark]:
    """What would make a file with this text in it come apart in other places than the site shows."""
    return sorted(_faults(lesson, text))


def remarks_on(text: LessonText, page: Rendered) -> list[Remark]:
    """All that an author may want to mend in a text that was rendered to this page."""
    return sorted({*_faults(text.lesson, text.markdown), *_dead_ends(text.markdown, page)})


def _faults(lesson: Lesson, text: str) -> Iterator[Remark]:
    if not text.strip():
        yield Remark(_NO_LINE, _("The text is empty."), is_fault=True)
        return
    lines = markdown.split_lines(text)
    outline = markdown.outline(lines)
    sections = [heading.line + 1 for heading in outline.headings if heading.level == 2]
    if lesson.is_chapter:
        for line in sections:
            message = _("A heading of level 2 begins a lesson of its own: make it a lesson of this chapter.")
            yield Remark(line, message, is_fault=True)
    elif sections[:1] != [1] or heading_of(text) is None:
        message = _("A lesson begins with its heading: “## 1.2 Title”.")
        yield Remark(1, message, is_fault=True)
    else:
        for line in sections[1:]:
            message = _("A second heading of level 2 would begin another lesson. Use ### inside a lesson.")
            yield Remark(line, message, is_fault=True)
    if (heading := heading_of(text)) and _is_taken(lesson, heading.number):
        line = next(each.line + 1 for each in outline.headings if each.level < 3)
        message = _("Another one here has the number %(number)s already. Give it a number of its own.")
        yield Remark(line, message % {"number": heading.number}, is_fault=True)
    for line, each in enumerate(lines, 1):
        if each.startswith((MINE, THEIRS)):
            message = _("Two versions stand here beside each other: decide for one and take the marks out.")
            yield Remark(line, message, is_fault=True)
    # Whatever is left open here would swallow the lesson that follows in the file.
    followed = markdown.outline([*lines, "\n", *_FOLLOWING])
    if followed.headings[-1:] != (markdown.Heading(2, "", len(lines) + 1),):
        changed = zip(followed.hidden, [*outline.hidden, False], strict=False)
        opens = next((line for line, (now, alone) in enumerate(changed, 1) if now and not alone), _NO_LINE)
        message = _("The code, comment or HTML that begins here is never closed.")
        yield Remark(outline.unclosed_fence or opens, message, is_fault=True)


def _is_taken(lesson: Lesson, number: str) -> bool:
    """Whether the number is new and a sibling's. What was imported so may be mended bit by bit."""
    if not number or (number == lesson.number and not lesson.is_retired):
        return False
    siblings = Lesson.objects.published().filter(course=lesson.course_id, parent=lesson.parent_id)
    return siblings.filter(number=number).exclude(pk=lesson.pk).exists()


def _dead_ends(text: str, page: Rendered) -> Iterator[Remark]:
    lines = markdown.split_lines(text)
    references = markdown.references(lines, markdown.outline(lines).hidden)
    for addresses, message in (
        (page.dead_links, _("This link leads nowhere: %(address)s")),
        (page.missing_images, _("The course has no such image: %(address)s")),
    ):
        found: Counter[str] = Counter()
        for address in addresses:
            at = [reference.line for reference in references if reference.address == address]
            line = at[min(found[address], len(at) - 1)] if at else _NO_LINE
            found[address] += 1
            yield Remark(line, message % {"address": address})
    for formula in page.math_errors:
        line = next((number for number, each in enumerate(lines, 1) if formula.strip() in each), _NO_LINE)
        yield Remark(line, _("This formula cannot be read: %(formula)s") % {"formula": formula})
