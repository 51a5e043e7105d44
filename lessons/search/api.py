"""Search in lessons over the API."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lessons.lesson_ids import default_course, lesson_id
from lessons.models import Course
from lessons.search.finding import LONGEST_QUERY, MOST_FOUND, SectionHit, search


class SearchQuerySerializer(serializers.Serializer[Any]):
    q = serializers.CharField(max_length=LONGEST_QUERY, help_text="Words in any language.")
    course = serializers.SlugField(max_length=50, required=False, help_text="Its slug; else all courses.")
    language = serializers.ChoiceField(
        choices=[code for code, _name in settings.LANGUAGES],
        required=False,
        help_text="Only texts in it; else those in the language of Accept-Language come first.",
    )
    page = serializers.IntegerField(min_value=1, max_value=MOST_FOUND, default=1)
    page_size = serializers.IntegerField(min_value=1, max_value=100, default=20)


class HitSerializer(serializers.Serializer[SectionHit]):
    section_id = serializers.CharField(help_text='The same in each import: "course-slug:4.2#anchor".')
    lesson_id = serializers.CharField()
    title = serializers.CharField(help_text="Of the lesson.")
    heading = serializers.CharField(help_text="Of the section; the lesson's title at its beginning.")
    language = serializers.CharField(help_text="Of the text: zh-hans or en.")
    url = serializers.URLField(help_text="The heading on the lesson's page.")
    snippet = serializers.CharField(help_text="HTML; what was found is in <mark>.")


class HitsSerializer(serializers.Serializer[Any]):
    query = serializers.CharField()
    page = serializers.IntegerField()
    page_size = serializers.IntegerField()
    total = serializers.IntegerField(help_text=f"At most {MOST_FOUND}: the best.")
    total_pages = serializers.IntegerField()
    results = HitSerializer(many=True)


class Search(APIView):
    """Sections of lessons in which the words are, best first."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="search_lessons", tags=["lessons"], summary="Search in lessons",
        parameters=[SearchQuerySerializer], responses=HitsSerializer,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        query = SearchQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        course = Course.objects.filter(slug=asked["course"]).first() if "course" in asked else None
        if "course" in asked and course is None:
            raise Http404(_("There is no such course."))
        page, size = asked["page"], asked["page_size"]
        found = search(
            asked["q"],
            language=request.LANGUAGE_CODE,
            course=course,
            only_language=asked.get("language"),
            first=(page - 1) * size,
            limit=size,
        )
        default = default_course()
        return Response(
            {
                "query": asked["q"],
                "page": page,
                "page_size": size,
                "total": found.total,
                "total_pages": -(-found.total // size),
                "results": [_hit(hit, request, default) for hit in found.hits],
            }
        )


def _hit(hit: SectionHit, request: Request, default: Course | None) -> dict[str, Any]:
    return {
        "section_id": hit.section_id,
        "lesson_id": lesson_id(hit.lesson, default=default),
        "title": hit.title,
        "heading": hit.heading,
        "language": hit.language,
        "url": request.build_absolute_uri(hit.url),
        "snippet": hit.snippet_html,
    }
