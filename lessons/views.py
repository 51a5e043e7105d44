"""The reading pages: catalogue, a course's contents, and the learn page of a chapter or lesson.

They are the same for every guest, so a browser that has one asks only whether it changed.
"""

from collections.abc import Callable

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import conditional_page, require_safe

from lessons.authoring.previews import draft_to_show
from lessons.authoring.texts import text_with
from lessons.listings import extract
from lessons.models import Course, LessonText
from lessons.outline import Entry, Outline, first_to_run, outlines
from lessons.pages import listings_in_need, rendered

View = Callable[..., HttpResponse]


def page(view: View) -> View:
    """A page to read: kept by the reader's browser alone, and revalidated by its ETag."""
    return require_safe(conditional_page(cache_control(private=True, no_cache=True)(view)))


def reader_language() -> str:
    return get_language() or settings.LANGUAGE_CODE


@page
def catalogue(request: HttpRequest) -> HttpResponse:
    """Every course that readers see anything of, with its size and languages; to staff all."""
    courses = Course.objects.titled(reader_language())
    shelf = outlines(courses, language=reader_language())
    shelf = [outline for outline in shelf if _is_shown(request, outline)]
    start = first_to_run(shelf[0]) if shelf else None
    return render(request, "lessons/catalogue.html", {"shelf": shelf, "start": start})


@page
def course(request: HttpRequest, course: str) -> HttpResponse:
    """A course's contents: parts, chapters, lessons."""
    found = get_object_or_404(Course.objects.titled(reader_language()), slug=course)
    [outline] = outlines([found], language=reader_language())
    if not _is_shown(request, outline):
        raise Http404("nothing of it is published")
    return render(request, "lessons/course.html", {"course": found, "outline": outline})


def _is_shown(request: HttpRequest, outline: Outline) -> bool:
    return bool(outline.chapters) or request.user.has_perm("lessons.view_course")


# The editor writes its style sheets into the page; a nonce would make every answer a new one for the ETag.
@csp_update({"style-src-elem": [SELF, UNSAFE_INLINE]})
@ensure_csrf_cookie
@page
def learn(request: HttpRequest, course: str, chapter: str, lesson: str = "") -> HttpResponse:
    """A chapter's overview or a lesson beside the workbench; untranslated, it shows in another language."""
    found = get_object_or_404(Course.objects.titled(reader_language()), slug=course)
    draft = draft_to_show(request, course=course, chapter=chapter, lesson=lesson, language=reader_language())
    [outline] = outlines([found], language=reader_language(), draft=draft)
    entry = outline.find(chapter=chapter, lesson=lesson)
    if entry is None:
        raise Http404("no such lesson")
    text = text_with(draft.lesson, draft.language, draft.markdown) if draft else _text_of(entry)
    listings = extract(text.markdown)
    previous, following = outline.neighbours(entry)
    context = {
        "course": found,
        "outline": outline,
        "chapter": outline.find(chapter=chapter),
        "entry": entry,
        "lesson": entry.lesson,
        "text": text,
        "draft": draft,
        "rendered": rendered(text),
        "previous": previous,
        "next": following,
        "in_need": listings_in_need(text) if listings and not draft else (),
        "starter": listings[0].code if listings else hello_program(),
    }
    answer = render(request, "lessons/learn.html", context)
    if draft:
        answer["Cache-Control"] = "no-store"  # nor offline: its link may be withdrawn
    return answer


def _text_of(entry: Entry) -> LessonText:
    texts = LessonText.objects.select_related("lesson__parent", "lesson__course")
    return texts.get(lesson=entry.lesson, language=entry.heading.language)


def hello_program() -> str:
    """What the editor holds on a page without listings."""
    return 'print("{}")\n'.format(_("Hello, agent!"))
