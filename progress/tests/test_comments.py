"""Comments on lines of a run: who says what to whom, who is told of it, and what mail that makes."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from helloagents.celery import app
from helloagents.leaving import archive_of, erase_account
from helloagents.retention import forget
from progress import cohorts, mailing
from progress.comments import MOST_COMMENTS, delete_comment, lines_of, write_comment
from progress.models import COMMENT_LIMIT, Cohort, LineComment, Notification, Submission
from progress.templatetags.comments import comment_text
from progress.tests.makers import make_learner, make_lesson, make_submission

pytestmark = pytest.mark.django_db

CODE = "total = 0\nfor number in range(3):\n    total += number\nprint(total)\n"
HTMX = {"HX-Request": "true"}
Say = Callable[..., Any]


def make_instructor(username: str) -> Any:
    made = make_learner(username)
    made.groups.add(Group.objects.get_or_create(name="instructors")[0])
    return made


@pytest.fixture
def cohort() -> Cohort:
    """Tom teaches Ada; Una teaches nobody."""
    made = cohorts.create_cohort(instructor=make_instructor("tom"), name="Mondays")
    make_instructor("una")
    made.learners.add(make_learner("ada"))
    return made


@pytest.fixture
def ada(cohort: Cohort) -> Any:
    return cohort.learners.get()


@pytest.fixture
def tom(cohort: Cohort) -> Any:
    return cohort.instructors.get()


@pytest.fixture
def run(ada: Any) -> Submission:
    return make_submission(
        learner=ada, lesson=make_lesson(), code=CODE, status="finished", outcome="ok", language_version="en"
    )


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def in_class(run: Submission, name: str = "class-run", *more: int) -> str:
    return reverse(name, args=[Cohort.objects.get(learners=run.learner).pk, run.pk, *more])


def of_learner(run: Submission, name: str = "submission", *more: int) -> str:
    return reverse(name, args=[run.pk, *more])


def comment(run: Submission, author: Any, text: str = "Why?", *, line: int = 3) -> LineComment:
    return write_comment(
        author=author, submission=run, first_line=line, last_line=line, text=text, site="https://x.example/"
    )


def at_line(html: str, number: int) -> str:
    """What a page shows from one line to the next."""
    return html.partition(f'id="line-{number}"')[2].partition("</li>")[0]


# --- Writing --------------------------------------------------------------------------------------


def test_an_instructor_comments_on_a_line_without_scripts_and_the_learner_replies(
    run: Submission, tom: Any, ada: Any
) -> None:
    teacher, learner = client_of(tom), client_of(ada)
    address = in_class(run, "class-run-comments") + "?line=3"
    assert f'href="{address}"' in teacher.get(in_class(run)).content.decode()
    assert "<textarea" in teacher.get(address).content.decode()

    said = teacher.post(address, {"first_line": "2", "text": "Try `sum`.\r\n<b>No</b> loop."})
    [made] = LineComment.objects.all()
    assert said.headers["Location"] == f"{in_class(run)}#comment-{made.pk}"
    assert (made.first_line, made.last_line, made.author) == (2, 3, tom)

    page = learner.get(of_learner(run)).content.decode()
    shown = at_line(page, 3)
    assert 'Try <code class="comment-code">sum</code>.\n&lt;b&gt;No&lt;/b&gt; loop.' in shown
    assert "lines 2 to 3" in shown
    assert "comment-text" not in at_line(page, 2) + at_line(page, 4)
    assert 'class="code-line code-line-meant" id="line-2"' in page
    assert (
        "first_line" not in learner.get(of_learner(run, "submission-comments") + "?line=3").content.decode()
    )

    learner.post(of_learner(run, "submission-comments") + "?line=3", {"text": "I see."})
    assert "I see." in at_line(teacher.get(in_class(run)).content.decode(), 3)


def test_a_learner_only_replies_and_only_where_somebody_else_began(
    run: Submission, tom: Any, ada: Any
) -> None:
    comment(run, tom)
    learner = client_of(ada)
    write = of_learner(run, "submission-comments")

    for query in ("?line=1", "?line=99", "?line=x", ""):
        assert learner.post(write + query, {"text": "Me first."}).status_code == 404
    assert LineComment.objects.count() == 1
    assert learner.post(f"{write}?line=3", {"text": "Because."}).status_code == 302


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"text": "  "}, "Write something first."),
        ({"text": "x\r\n" * COMMENT_LIMIT + "x"}, f"too long: {2 * COMMENT_LIMIT + 1} characters"),
        ({"text": "Kept words.", "first_line": "4"}, "The first line comes before"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_typed_is_lost(
    run: Submission, tom: Any, sent: dict[str, str], told: str
) -> None:
    address = in_class(run, "class-run-comments") + "?line=3"
    as_page = client_of(tom).post(address, sent)
    in_place = client_of(tom).post(address, sent, headers=HTMX)

    assert (as_page.status_code, in_place.status_code) == (400, 200)
    for answer in (as_page, in_place):
        assert told in answer.content.decode()
        assert sent["text"].strip().replace("\r\n", "\n") in answer.content.decode().replace("\r\n", "\n")
    assert "<html" not in in_place.content.decode()
    assert not LineComment.objects.exists()


def test_a_page_takes_just_the_talk_at_a_line(run: Submission, tom: Any) -> None:
    teacher, address = client_of(tom), in_class(run, "class-run-comments") + "?line=3"
    opened = teacher.get(address, headers=HTMX).content.decode()
    said = teacher.post(address, {"text": "Why?"}, headers=HTMX).content.decode()
    made = LineComment.objects.get()
    edit = in_class(run, "class-run-comment", made.pk)
    edited = teacher.get(edit, headers=HTMX).content.decode()
    shut = teacher.get(f"{address}&shut=1", headers=HTMX).content.decode()
    gone = teacher.post(in_class(run, "delete-class-run-comment", made.pk), headers=HTMX).content.decode()

    assert f'hx-post="{address}"' in opened
    assert "Why?" in said
    assert "<textarea" not in said
    assert re.search(r"<textarea[^>]*>\s*Why\?</textarea>", edited)
    assert "<textarea" not in shut
    assert "Why?" not in gone


def test_ones_own_comment_is_edited_and_deleted_and_no_others(run: Submission, tom: Any, ada: Any) -> None:
    made = comment(run, tom)
    teacher, learner = client_of(tom), client_of(ada)
    for change in ("submission-comment", "delete-submission-comment"):
        assert learner.post(of_learner(run, change, made.pk), {"text": "Mine now"}).status_code == 404

    teacher.post(in_class(run, "class-run-comment", made.pk), {"text": "What for?"})
    page = learner.get(of_learner(run)).content.decode()
    assert "What for?" in page
    assert "edited" in at_line(page, 3)

    teacher.post(in_class(run, "delete-class-run-comment", made.pk))
    assert "What for?" not in learner.get(of_learner(run)).content.decode()
    assert LineComment.all_rows.get().deleted_at
    assert not Notification.objects.exists()
    assert teacher.post(in_class(run, "class-run-comment", made.pk), {"text": "Back"}).status_code == 404


def test_whoever_leaves_a_class_loses_sight_of_the_run_and_the_learner_keeps_what_was_said(
    cohort: Cohort, run: Submission, tom: Any, ada: Any
) -> None:
    made = comment(run, tom)
    edit = in_class(run, "class-run-comment", made.pk)
    cohorts.leave_cohort(learner=ada, cohort=cohort)
    comment(run, ada, "Thanks!")

    assert client_of(tom).post(edit, {"text": "Gone"}).status_code == 404
    assert "Why?" in client_of(ada).get(of_learner(run)).content.decode()
    assert not Notification.objects.of(tom).exists(), "who no longer sees a run is told nothing of it"


def test_another_class_does_not_lead_to_the_run(cohort: Cohort, run: Submission, tom: Any) -> None:
    other = cohorts.create_cohort(instructor=tom, name="Fridays")
    address = reverse("class-run-comments", args=[other.pk, run.pk]) + "?line=3"

    assert client_of(tom).post(address, {"text": "Why?"}).status_code == 404


def test_a_run_holds_so_many_comments(run: Submission, tom: Any) -> None:
    LineComment.objects.bulk_create(
        LineComment(submission=run, author=tom, first_line=1, last_line=1, text="x")
        for _ in range(MOST_COMMENTS)
    )
    answer = client_of(tom).post(in_class(run, "class-run-comments") + "?line=3", {"text": "One more"})

    assert "as many comments as one can have" in answer.content.decode()
    assert "One more" in answer.content.decode()
    assert LineComment.objects.count() == MOST_COMMENTS


@pytest.mark.parametrize("wrong", [{"first_line": 0}, {"first_line": 4}, {"text": ""}])
def test_the_database_takes_no_comment_on_nothing(run: Submission, tom: Any, wrong: dict[str, Any]) -> None:
    fields = {"first_line": 2, "last_line": 3, "text": "Why?", **wrong}
    with pytest.raises(IntegrityError), transaction.atomic():
        LineComment.objects.create(submission=run, author=tom, **fields)


@pytest.mark.parametrize(
    ("code", "lines"),
    [("", [""]), ("a\n", ["a"]), ("a\r\n\n", ["a", ""]), ("a\x0cb\u2028c", ["a\x0cb\u2028c"])],
)
def test_lines_are_counted_as_python_counts_them(code: str, lines: list[str]) -> None:
    assert lines_of(code) == lines


def test_code_in_a_comment_is_set_as_code_and_nothing_is_markup() -> None:
    shown = comment_text("See `a<b` and\n```\nif x:\n    y()\n```\n`open & <i>")

    assert shown == (
        'See <code class="comment-code">a&lt;b</code> and'
        '<code class="comment-block">if x:\n    y()</code>`open &amp; &lt;i&gt;'
    )


def test_the_language_of_a_block_of_code_is_no_line_of_it() -> None:
    block = '<code class="comment-block">print(1)</code>'

    assert comment_text("```python\nprint(1)\n```") == comment_text("```print(1)```") == block


# --- Being told -----------------------------------------------------------------------------------


def bell(html: str) -> str:
    return html.partition('class="button button-quiet button-icon bell"')[2].partition("</a>")[0]


def test_the_bell_counts_leads_to_the_comment_and_is_quiet_then(run: Submission, tom: Any, ada: Any) -> None:
    made = comment(run, tom)
    learner, catalogue = client_of(ada), reverse("catalogue")
    assert "Notifications: 1 is new" in bell(learner.get(catalogue).content.decode())
    [told] = Notification.objects.of(ada)
    listed = learner.get(reverse("notifications")).content.decode()
    assert "tom commented on line 3 of your run." in listed
    assert "Greeting" in listed
    assert made.text not in listed

    opened = learner.get(reverse("notification", args=[told.pk]))
    assert opened.headers["Location"] == f"{of_learner(run)}#{made.anchor}"
    assert "new" not in bell(learner.get(catalogue).content.decode())
    assert "button-icon bell" not in Client().get(catalogue).content.decode()


def test_a_reply_to_what_was_deleted_meanwhile_is_not_found(
    run: Submission, tom: Any, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = comment(run, tom)

    def too_late(**fields: Any) -> LineComment:
        delete_comment(comment=said)
        return write_comment(**fields)

    monkeypatch.setattr("progress.comments.write_comment", too_late)
    answer = client_of(ada).post(of_learner(run, "submission-comments") + "?line=3", {"text": "Because."})

    assert answer.status_code == 404
    assert not LineComment.objects.exists()


def test_whoever_spoke_at_the_line_is_told_of_the_reply(
    run: Submission, tom: Any, ada: Any, cohort: Cohort
) -> None:
    una = cohorts.add_instructor(cohort=cohort, login="una")
    comment(run, una, line=1)
    comment(run, tom, line=3)
    reply = comment(run, ada, "Because.", line=3)

    assert not Notification.objects.of(una).exists()
    [told] = Notification.objects.of(tom)
    assert told.kind == Notification.Kind.REPLY
    opened = client_of(tom).get(reverse("notification", args=[told.pk]))
    assert opened.headers["Location"] == f"{in_class(run)}#{reply.anchor}"

    cohorts.remove_instructor(cohort=cohort, instructor=tom)
    lost = client_of(tom).get(reverse("notification", args=[told.pk]), follow=True)
    assert "not shared with you any more" in lost.content.decode()
    assert "Because." not in lost.content.decode()


def test_looking_at_the_run_or_at_nothing_makes_it_read(run: Submission, tom: Any, ada: Any) -> None:
    learner = client_of(ada)
    comment(run, tom)
    learner.get(of_learner(run))
    assert not Notification.objects.unread().exists()

    comment(run, tom)
    comment(run, ada)
    learner.post(reverse("read-notifications"))
    assert [each.recipient for each in Notification.objects.unread()] == [tom], "nobody else's"


def test_the_list_is_paged_and_a_deleted_run_is_not_in_it(run: Submission, tom: Any, ada: Any) -> None:
    learner = client_of(ada)
    for _ in range(26):
        comment(run, tom)
    assert "Page 1 of 2" in learner.get(reverse("notifications")).content.decode()
    assert "9+" in bell(learner.get(reverse("catalogue")).content.decode())

    learner.post(reverse("delete-submission", args=[run.pk]))
    assert "Nothing yet." in learner.get(reverse("notifications")).content.decode()


def test_more_comments_and_notifications_take_no_more_queries(run: Submission, tom: Any, ada: Any) -> None:
    def queries() -> list[int]:
        pages = [
            (tom, in_class(run)),
            (ada, of_learner(run)),
            (ada, reverse("notifications")),
            (tom, in_class(run, "class-run-comments") + "?line=3"),
        ]
        return [queries_of(client_of(who), page) for who, page in pages]

    comment(run, tom)
    few = queries()
    for number in range(1, 4):
        comment(run, tom, line=number)
        comment(run, ada, line=number)

    assert queries() == few
    assert max(few) < 14


def queries_of(client: Client, page: str) -> int:
    client.get(page)  # the first look marks as read
    with CaptureQueriesContext(connection) as captured:
        assert client.get(page).status_code == 200
    return len(captured)


# --- Mail -----------------------------------------------------------------------------------------


@pytest.fixture
def say(
    run: Submission, tom: Any, ada: Any, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> Iterator[Say]:
    """Tom comments, and the worker does what follows from it at once."""
    EmailAddress.objects.create(user=ada, email="ada@example.org", primary=True, verified=True)
    app.conf.task_always_eager = True

    def comment_on(shown: Submission = run) -> None:
        address = in_class(shown, "class-run-comments") + "?line=1"
        with django_capture_on_commit_callbacks(execute=True):
            assert client_of(tom).post(address, {"text": "SECRET"}).status_code == 302

    yield comment_on
    app.conf.task_always_eager = False


def test_a_comment_is_mailed_about_in_the_language_of_the_run(run: Submission, say: Say) -> None:
    Submission.objects.update(language_version="zh-hans")
    say()
    [message] = mail.outbox

    assert message.to == ["ada@example.org"]
    assert message.subject == "[HelloAgents] tom 评论了你的运行"
    assert f"http://testserver/zh-hans/submissions/{run.pk}/#comment-" in message.body
    assert "SECRET" not in message.body


def test_a_run_is_mailed_about_once_in_a_while_until_it_is_read(run: Submission, ada: Any, say: Say) -> None:
    say()
    say()
    assert len(mail.outbox) == 1
    say(make_submission(learner=ada, status="finished", outcome="ok"))
    assert len(mail.outbox) == 2

    client_of(ada).get(of_learner(run))
    say()
    assert len(mail.outbox) == 3
    Notification.objects.update(mailed_at=timezone.now() - timedelta(minutes=11))
    say()
    assert len(mail.outbox) == 4


def test_a_link_in_the_mail_ends_it_and_looking_at_it_does_not(ada: Any, say: Say) -> None:
    say()
    link = mail.outbox[0].extra_headers["List-Unsubscribe"].strip("<>")
    anybody = Client()
    assert "No more of it" in anybody.get(link).content.decode()
    ada.refresh_from_db()
    assert ada.mails_of_comments

    anybody.post(link)
    ada.refresh_from_db()
    assert not ada.mails_of_comments
    Notification.objects.all().delete()
    say()
    assert len(mail.outbox) == 1
    assert Notification.objects.of(ada).count() == 1
    assert anybody.get(reverse("end-mail", args=["forged"])).status_code == 404


@pytest.mark.parametrize("lack", ["a confirmed address", "a mail server", "an answer of the server"])
def test_without_a_way_to_mail_the_bell_still_rings(
    settings: Settings, ada: Any, say: Say, lack: str
) -> None:
    if lack == "a confirmed address":
        EmailAddress.objects.update(verified=False)
    elif lack == "a mail server":
        settings.SITE_SENDS_MAIL = False
    else:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    say()

    assert mail.outbox == []
    assert Notification.objects.of(ada).unread().count() == 1


def test_mail_is_switched_on_the_page_of_the_account(ada: Any) -> None:
    learner = client_of(ada)
    assert 'name="mails_of_comments"' in learner.get(reverse("account")).content.decode()
    learner.post(reverse("account"), {"full_name": "Ada"})
    ada.refresh_from_db()

    assert (ada.full_name, ada.mails_of_comments) == ("Ada", False)


# --- Leaving and forgetting -----------------------------------------------------------------------


def exported(user: Any) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(archive_of(user))) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def test_both_take_along_what_was_said_and_told_to_them(run: Submission, tom: Any, ada: Any) -> None:
    comment(run, tom, "Why?")
    taken_back = comment(run, tom, "Oops")
    LineComment.objects.filter(pk=taken_back.pk).update(deleted_at=timezone.now())
    comment(run, ada, "Because.")
    learners, teachers = exported(ada), exported(tom)

    assert {row["text"] for row in learners["progress.linecomment.json"]} == {"Why?", "Because."}
    assert {row["text"] for row in teachers["progress.linecomment.json"]} == {"Why?", "Oops"}
    assert {row["recipient"] for row in learners["progress.notification.json"]} == {ada.pk}
    assert {row["recipient"] for row in teachers["progress.notification.json"]} == {tom.pk}


def test_a_learner_who_is_erased_leaves_no_talk_behind(run: Submission, tom: Any, ada: Any) -> None:
    comment(run, tom, "Why?")
    comment(run, ada, "Because.")
    erase_account(user=ada)

    assert not LineComment.all_rows.exists()
    assert not Notification.objects.exists()


def test_what_an_instructor_said_outlives_the_account_without_the_name(
    run: Submission, tom: Any, ada: Any, cohort: Cohort
) -> None:
    una = cohorts.add_instructor(cohort=cohort, login="una")
    type(tom).objects.filter(pk=tom.pk).update(full_name="Tom Teacher")
    comment(run, tom, "Why?")
    delete_comment(comment=comment(run, tom, "Taken back"))
    comment(run, ada, "Because.")
    erase_account(user=tom)
    learner = client_of(ada)
    bell_list = learner.get(reverse("notifications")).content.decode()
    shown = at_line(learner.get(of_learner(run)).content.decode(), 3)
    in_chinese = learner.get(of_learner(run).replace("/en/", "/zh-hans/")).content.decode()

    assert set(LineComment.all_rows.values_list("text", "author")) == {("Why?", None), ("Because.", ada.pk)}
    assert "A former instructor commented on line 3 of your run." in bell_list
    assert "A former instructor" in shown
    assert "Why?" in shown
    assert "已离开的教师" in in_chinese
    assert "Teacher" not in bell_list + shown + in_chinese
    assert {row["text"] for row in exported(ada)["progress.linecomment.json"]} == {"Why?", "Because."}
    assert (
        learner.post(of_learner(run, "submission-comments") + "?line=3", {"text": "Pity."}).status_code == 302
    )
    assert "Why?" in client_of(una).get(in_class(run)).content.decode()
    assert not Notification.objects.exclude(recipient=ada).exists()


def test_an_instructor_who_left_is_nobody_in_mail(run: Submission, tom: Any, ada: Any) -> None:
    EmailAddress.objects.create(user=ada, email="ada@example.org", primary=True, verified=True)
    comment(run, tom)
    [told] = Notification.objects.of(ada)
    erase_account(user=tom)
    mailing.mail_about_comment(told.pk, site="https://x.example/")
    [message] = mail.outbox

    assert message.subject == "[HelloAgents] A former instructor commented on your run"
    assert "A former instructor commented on line 3" in message.body


def test_deleted_comments_and_read_notifications_are_forgotten(run: Submission, tom: Any, ada: Any) -> None:
    long_ago = timezone.now() - timedelta(days=31)
    for text in ("kept", "old"):
        comment(run, tom, text)
    LineComment.objects.filter(text="old").update(deleted_at=long_ago)
    comment(run, ada, "told of, and read")
    Notification.objects.of(tom).update(read_at=long_ago)
    forget()

    assert set(LineComment.all_rows.values_list("text", flat=True)) == {"kept", "told of, and read"}
    assert [each.comment.text for each in Notification.objects.all()] == ["kept"]
