"""The page to search lessons on; its results alone are what it and the dialog ask for while one types."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.middleware import HtmxDetails

from lessons.models import Course
from lessons.search.finding import LONGEST_QUERY, MOST_FOUND, search

PER_PAGE = 10


class SearchForm(forms.Form):
    """A query, and where to look. A filter that makes no sense is none."""

    q = forms.CharField(required=False, max_length=LONGEST_QUERY, label=_("Search"))
    course = forms.ModelChoiceField(
        Course.objects.none(), required=False, to_field_name="slug", label=_("Course")
    )
    language = forms.ChoiceField(choices=settings.LANGUAGES, required=False, label=_("Language"))
    page = forms.IntegerField(required=False, min_value=1, max_value=MOST_FOUND // PER_PAGE)


@require_safe
@vary_on_headers("HX-Request")
def search_page(request: HttpRequest) -> HttpResponse:
    """Sections of lessons for a query, ten at a time."""
    reader = get_language() or settings.LANGUAGE_CODE
    courses = Course.objects.for_readers().titled(reader)
    form = SearchForm(request.GET)
    form.fields["course"].queryset = courses  # type: ignore[attr-defined] # a ModelChoiceField has one
    form.is_valid()
    asked = form.cleaned_data
    page = asked.get("page") or 1
    found = search(
        request.GET.get("q", ""),
        language=reader,
        course=asked.get("course"),
        only_language=asked.get("language") or None,
        first=(page - 1) * PER_PAGE,
        limit=PER_PAGE,
    )
    titles = {each.pk: getattr(each, "title", each.slug) for each in courses}
    # Courses number their lessons alike, so those of several are told apart.
    mixed = len(titles) > 1 and not asked.get("course")
    context = {
        "query": request.GET.get("q", "").strip(),
        "asked": asked,
        "found": found,
        "hits": [(hit, titles[hit.lesson.course_id] if mixed else "") for hit in found.hits],
        "page": Paginator(range(found.total), PER_PAGE).get_page(page),
        "is_cut": found.total == MOST_FOUND,
        "has_all_words": not found.hits or found.hits[0].has_all_words,
    }
    if HtmxDetails(request):
        return render(request, "lessons/_search_results.html", context)
    return render(request, "lessons/search.html", {**context, "courses": courses})
