"""Lessons over the API: the contents of courses, and a lesson's text."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models.functions import Substr
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lessons.exercises import in_language
from lessons.lesson_ids import default_course, exercise_id, find_lesson, lesson_id
from lessons.listings import extract
from lessons.models import Course, Exercise, LessonText
from lessons.outline import Entry, outlines
from lessons.summaries import LOOK_AT, summary
from lessons.views import hello_program

_TAGS = ["lessons"]


class LanguageSerializer(serializers.Serializer[Any]):
    language = serializers.ChoiceField(
        choices=[code for code, _name in settings.LANGUAGES],
        required=False,
        help_text="Of titles and texts, where there is a translation; else as Accept-Language says.",
    )


class ContentsQuerySerializer(LanguageSerializer):
    course = serializers.SlugField(
        max_length=50, required=False, help_text="Its slug; else the default course."
    )


class EntrySerializer(serializers.Serializer[Entry]):
    """A chapter with its lessons, or a lesson, which has no children."""

    id = serializers.CharField(help_text='The author\'s number, "4.2", or "course-slug:4.2".')
    title = serializers.CharField()
    description = serializers.CharField(help_text="The text's first words; may be empty.")
    type = serializers.ChoiceField(choices=["chapter", "lesson"])


class ChapterSerializer(EntrySerializer):
    children = EntrySerializer(many=True)


class ContentsSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    lessons = ChapterSerializer(many=True)


class ExerciseSerializer(serializers.Serializer[Any]):
    """A task of the lesson. Its solution, its hints and its hidden checks are not told here."""

    id = serializers.CharField(help_text='"count-vowels", or "course-slug:count-vowels".')
    kind = serializers.ChoiceField(choices=Exercise.Kind.choices)
    optional = serializers.BooleanField()
    concepts = serializers.ListField(child=serializers.CharField())
    title = serializers.CharField()
    prompt = serializers.CharField(help_text="Markdown, as the author wrote it.")
    starter = serializers.CharField(
        allow_blank=True, help_text="A program to begin with; of a question the code it is about."
    )


class LessonSerializer(serializers.Serializer[Any]):
    lesson_id = serializers.CharField()
    title = serializers.CharField()
    content = serializers.CharField(help_text="Markdown, as the author wrote it.")
    code_template = serializers.CharField(help_text="A program to begin with: the lesson's first listing.")
    language = serializers.ChoiceField(choices=[code for code, _name in settings.LANGUAGES])
    exercises = ExerciseSerializer(many=True)


class Contents(APIView):
    """A course's chapters and lessons, in reading order."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="list_lessons", tags=_TAGS, summary="A course's contents",
        parameters=[ContentsQuerySerializer], responses=ContentsSerializer,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        query = ContentsQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        default = default_course()
        slug = query.validated_data.get("course")
        course = Course.objects.filter(slug=slug).first() if slug else default
        if slug and course is None:
            raise Http404(_("There is no such course."))
        language = query.validated_data.get("language") or request.LANGUAGE_CODE
        lessons = _contents(course, default, language) if course else []
        return Response({"success": True, "lessons": lessons})


def _contents(course: Course, default: Course | None, language: str) -> list[dict[str, Any]]:
    [outline] = outlines([course], language=language)
    begins = LessonText.objects.filter(lesson__course=course, lesson__is_retired=False).values_list(
        "lesson", "language", Substr("markdown", 1, LOOK_AT)
    )
    words = {(lesson, written): begin for lesson, written, begin in begins}

    def described(entry: Entry) -> dict[str, Any]:
        return {
            "id": lesson_id(entry.lesson, default=default),
            "title": entry.title,
            "description": summary(words.get((entry.lesson.pk, entry.heading.language), "")),
            "type": "chapter" if entry.lesson.is_chapter else "lesson",
            "children": [described(child) for child in entry.lessons],
        }

    return [described(chapter) for chapter in outline.chapters]


class Reading(APIView):
    """A lesson's text."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="get_lesson", tags=_TAGS, summary="A lesson",
        parameters=[
            LanguageSerializer,
            OpenApiParameter("lesson_id", OpenApiTypes.STR, OpenApiParameter.PATH, description='"4.2"'),
        ],
        responses=LessonSerializer,
    )  # fmt: skip
    def get(self, request: Request, lesson_id: str) -> Response:
        query = LanguageSerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        language = query.validated_data.get("language") or request.LANGUAGE_CODE
        found = find_lesson(lesson_id)
        text = found.texts.preferring(language).first() if found else None
        if found is None or text is None:
            raise Http404(_("There is no such lesson."))
        return Response(_lesson(lesson_id, text))


def _lesson(name: str, text: LessonText) -> dict[str, Any]:
    listings = extract(text.markdown)
    exercises = Exercise.objects.published().filter(lesson=text.lesson).select_related("course")
    return {
        "lesson_id": name,
        "title": text.title,
        "content": text.markdown,
        "code_template": listings[0].code if listings else hello_program(),
        "language": text.language,
        "exercises": [_exercise(each, text.language) for each in exercises],
    }


def _exercise(exercise: Exercise, language: str) -> dict[str, Any]:
    told = exercise.definition
    return {
        "id": exercise_id(exercise, default=default_course()),
        "kind": exercise.kind,
        "optional": exercise.optional,
        "concepts": exercise.concepts,
        "title": exercise.title_in(language),
        "prompt": in_language(told.prompt, language, ""),
        "starter": in_language(told.code or told.starter, language, ""),
    }
