"""What learners do: drafts they write, programs they run and what is said about them, lessons they complete,
classes they are in."""

from progress.models.cohorts import Cohort, make_invitation
from progress.models.comments import COMMENT_LIMIT, LineComment, Notification
from progress.models.completion import LessonProgress, StudyTime
from progress.models.content import EditorContent
from progress.models.drafts import Draft, DraftVersion
from progress.models.exercises import ExerciseProgress
from progress.models.hints import HintTaken
from progress.models.listings import ListingCheck, ListingCheckQuerySet
from progress.models.owners import Owner
from progress.models.runs import Submission, SubmissionQuerySet
from progress.models.shares import Share

__all__ = [
    "COMMENT_LIMIT",
    "Cohort",
    "Draft",
    "DraftVersion",
    "EditorContent",
    "ExerciseProgress",
    "HintTaken",
    "LessonProgress",
    "LineComment",
    "ListingCheck",
    "ListingCheckQuerySet",
    "Notification",
    "Owner",
    "Share",
    "StudyTime",
    "Submission",
    "SubmissionQuerySet",
    "make_invitation",
]
