"""A learner's dashboard: where she is, what to review, what she did, and what comes next and why.

A fixed number of queries, whatever the number of courses, exercises and runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lessons.models import Course, Exercise
from lessons.outline import Entry, Outline, outlines
from progress import clock, memory, pictures
from progress.marks import CourseStanding, Marks, course_standing, marks_of, status_of
from progress.mastery import Concept, concepts_of
from progress.models import ExerciseProgress, LessonProgress, Owner, StudyTime, Submission

_REVIEWS_SHOWN = 10
_TIMES_SHOWN = 12


@dataclass(frozen=True)
class Task:
    """An exercise in its lesson."""

    exercise: Exercise
    entry: Entry
    progress: ExerciseProgress | None

    @property
    def url(self) -> str:
        return f"{self.entry.url}#exercise-{self.exercise.slug}"


@dataclass(frozen=True)
class Review:
    """An exercise to do again, and why."""

    task: Task
    title: str
    reason: str


@dataclass(frozen=True)
class NextStep:
    """What to do now, and why."""

    title: str
    reason: str
    url: str
    review: Exercise | None = None  # to be done again, from the start


@dataclass(frozen=True)
class Spent:
    """Time spent on a lesson, in whole minutes; `share` is of the longest, 0…100."""

    entry: Entry
    minutes: int
    share: int


@dataclass(frozen=True)
class CourseWork:
    """A course that the learner has begun."""

    outline: Outline
    standing: CourseStanding
    solved: int
    exercises: int
    concepts: list[Concept]

    @property
    def begun_concepts(self) -> list[Concept]:
        return [concept for concept in self.concepts if concept.solved]

    @property
    def later_concepts(self) -> list[Concept]:
        """Those of which nothing is solved yet."""
        return [concept for concept in self.concepts if not concept.solved]


@dataclass(frozen=True)
class Dashboard:
    current: Entry | None
    courses: list[CourseWork]
    reviews: list[Review]
    due: int
    next_due: date | None
    next_step: NextStep | None
    calendar: pictures.Calendar
    spent: list[Spent]

    @property
    def is_new(self) -> bool:
        """Whether there is nothing to show yet."""
        return not self.courses


def dashboard_of(owner: Owner, *, language: str) -> Dashboard:
    """Everything about the learner's work, on this day."""
    today = clock.today()
    shelf = outlines(Course.objects.titled(language), language=language)
    entries = {entry.lesson.pk: entry for outline in shelf for entry in outline}
    marks = marks_of(owner)
    progress = {row.exercise_id: row for row in ExerciseProgress.objects.of(owner).of_published()}
    tasks = [
        Task(exercise, entries[exercise.lesson_id], progress.get(exercise.pk))
        for exercise in Exercise.objects.published().order_by("position", "slug").defer("text")
        if exercise.lesson_id in entries
    ]
    due = _due(tasks, today)
    last = LessonProgress.objects.of(owner).of_published().order_by("-updated_at", "-pk").first()
    current = entries.get(last.lesson_id) if last else None
    courses = [_work(outline, tasks, progress, marks, language, today) for outline in shelf]
    reviews = _reviews(due[:_REVIEWS_SHOWN], language, today)
    return Dashboard(
        current=current,
        courses=[work for work in courses if work.solved or _is_begun(work.outline, marks)],
        reviews=reviews,
        due=len(due),
        next_due=_next_due(progress.values(), today),
        next_step=_next_step(shelf, current, tasks, marks, reviews, len(due), language),
        calendar=_calendar(owner, today),
        spent=_spent(owner, entries),
    )


def _is_begun(outline: Outline, marks: Marks) -> bool:
    return any(entry.lesson.pk in marks for entry in outline)


def _work(
    outline: Outline,
    tasks: list[Task],
    progress: Mapping[int, ExerciseProgress],
    marks: Marks,
    language: str,
    today: date,
) -> CourseWork:
    own = [task.exercise for task in tasks if task.exercise.course_id == outline.course.pk]
    return CourseWork(
        outline=outline,
        standing=course_standing(outline, marks),
        solved=sum(bool(each.pk in progress and progress[each.pk].solved_at) for each in own),
        exercises=len(own),
        concepts=concepts_of(outline.course, own, progress, language=language, on=today),
    )


# --- Reviews --------------------------------------------------------------------------------------


def _due(tasks: Iterable[Task], today: date) -> list[Task]:
    """What is to be done again by today, the least remembered first."""
    found = [
        (memory.remembered(task.progress, on=today), task.progress.pk, task)
        for task in tasks
        if task.progress and task.progress.solved_at and task.progress.due_on
        if task.progress.due_on <= today
    ]
    return [task for _, _, task in sorted(found, key=lambda each: each[:2])]


def _next_due(progress: Iterable[ExerciseProgress], today: date) -> date | None:
    days = [row.due_on for row in progress if row.solved_at and row.due_on and row.due_on > today]
    return min(days, default=None)


def _reviews(due: list[Task], language: str, today: date) -> list[Review]:
    titles = _titles([task.exercise for task in due], language)
    return [Review(task, titles[task.exercise.pk], _why(task, today)) for task in due]


def _why(task: Task, today: date) -> str:
    assert task.progress is not None
    assert task.progress.rated_on is not None
    days = (today - task.progress.rated_on).days
    if task.progress.failures:
        return ngettext(
            "You tried it again a day ago and it did not pass yet.",
            "You tried it again %(days)s days ago and it did not pass yet.",
            days,
        ) % {"days": days}
    chance = round(100 * memory.remembered(task.progress, on=today))
    since = ngettext("You solved it a day ago.", "You solved it %(days)s days ago.", days) % {"days": days}
    likely = _("Now you would still know how with a chance of about %(chance)s %%.") % {"chance": chance}
    return _("%(since)s %(likely)s") % {"since": since, "likely": likely}


def _titles(exercises: list[Exercise], language: str) -> dict[int, str]:
    """Read with the whole texts, so only for those that are shown."""
    found = Exercise.objects.filter(pk__in=[exercise.pk for exercise in exercises])
    return {exercise.pk: exercise.title_in(language) for exercise in found}


# --- What comes next ------------------------------------------------------------------------------


def _next_step(
    shelf: list[Outline],
    current: Entry | None,
    tasks: list[Task],
    marks: Marks,
    reviews: list[Review],
    due: int,
    language: str,
) -> NextStep | None:
    if reviews:
        reason = ngettext(
            "It is time to do it again, before you forget how.",
            "%(number)s exercises are to be done again, before you forget how; this one is the most urgent.",
            due,
        ) % {"number": due}
        first = reviews[0]
        title = _("Review: %(title)s") % {"title": first.title}
        return NextStep(title, reason, first.task.url, review=first.task.exercise)
    left = _left_in(current, tasks)
    if left:
        title = _titles([left[0].exercise], language)[left[0].exercise.pk]
        return NextStep(_("Solve: %(title)s") % {"title": title}, _why_solve(left, current), left[0].url)
    return _next_lesson(shelf, current, marks)


def _left_in(current: Entry | None, tasks: list[Task]) -> list[Task]:
    """What is still to be solved in the lesson where the learner is."""
    if current is None:
        return []
    return [
        task
        for task in tasks
        if task.exercise.lesson_id == current.lesson.pk
        and not task.exercise.optional
        and not (task.progress and task.progress.solved_at)
    ]


def _why_solve(left: list[Task], current: Entry | None) -> str:
    tried = left[0].progress.failures if left[0].progress else 0
    if tried:
        return ngettext(
            "You tried it once already. A hint may show what is missing.",
            "You tried it %(tried)s times already. A hint may show what is missing.",
            tried,
        ) % {"tried": tried}
    assert current is not None
    return ngettext(
        "It is the last exercise that “%(lesson)s” still has for you.",
        "It is one of %(number)s exercises that “%(lesson)s” still has for you.",
        len(left),
    ) % {"number": len(left), "lesson": current.title}


def _next_lesson(shelf: list[Outline], current: Entry | None, marks: Marks) -> NextStep | None:
    outline = next((each for each in shelf if current and current in list(each)), None)
    if outline is None or current is None:
        return _first_lesson(shelf, marks)
    if not current.lessons and status_of(current, marks) != LessonProgress.Status.COMPLETED:
        reason = _("You have begun this lesson and are not done with it yet.")
        return NextStep(_("Go on with: %(title)s") % {"title": current.title}, reason, current.url)
    pages = list(outline)
    later = pages[pages.index(current) + 1 :] + pages
    for page in later:
        if not page.lessons and status_of(page, marks) != LessonProgress.Status.COMPLETED:
            reason = _("It comes next after “%(lesson)s”, where you were last.") % {"lesson": current.title}
            return NextStep(_("Read: %(title)s") % {"title": page.title}, reason, page.url)
    return _first_lesson([each for each in shelf if each is not outline], marks)


def _first_lesson(shelf: list[Outline], marks: Marks) -> NextStep | None:
    """Where another course begins."""
    for outline in shelf:
        if outline.first and not _is_begun(outline, marks):
            title = getattr(outline.course, "title", outline.course.slug)
            reason = _("It is where the course “%(course)s” begins.") % {"course": title}
            return NextStep(_("Read: %(title)s") % {"title": outline.first.title}, reason, outline.first.url)
    return None


# --- What was done --------------------------------------------------------------------------------


def _calendar(owner: Owner, today: date) -> pictures.Calendar:
    start = pictures.first_day(today)
    times = StudyTime.objects.of(owner).filter(day__gte=start)
    runs = Submission.objects.none()
    if owner:
        midnight = timezone.make_aware(datetime.combine(start, time()))
        runs = Submission.objects.that_ran().filter(**owner.fields, created_at__gte=midnight)
    return pictures.calendar(
        today=today,
        seconds=dict(times.values_list("day").annotate(Sum("seconds"))),
        runs=dict(runs.order_by().values_list(TruncDate("created_at")).annotate(Count("pk"))),
    )


def _spent(owner: Owner, entries: Mapping[int, Entry]) -> list[Spent]:
    """The lessons that took the longest, in the order of the books."""
    totals = StudyTime.objects.of(owner).values_list("lesson").annotate(total=Sum("seconds"))
    seconds = {pk: total for pk, total in totals.order_by("-total")[:_TIMES_SHOWN] if pk in entries}
    most = max(seconds.values(), default=0)
    return [
        Spent(entry, minutes=seconds[pk] // 60, share=max(1, round(100 * seconds[pk] / most)))
        for pk, entry in entries.items()
        if pk in seconds
    ]
