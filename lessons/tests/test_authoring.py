"""Staff writes lessons on the site: drafts, previews, publishing, versions, order, and the files' say."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from lessons.models import Course, Divergence, Lesson, LessonDraft, LessonText
from lessons.tasks import publish_due
from lessons.tests.course_files import (
    ENGLISH,
    edit,
    import_lessons,
    lesson_titled,
    make_course,
    titles,
    write_files,
)
from lessons.tests.test_export import contents, export, rows

pytestmark = pytest.mark.django_db

TOOLS = "## 1.2 Tools\n\nTools bring an agent in touch with the world outside.\n\n"
MINE = "## 1.2 Tools\n\nTools let an agent act.\n\n"


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """The source of a course of one chapter, imported."""
    settings.MEDIA_ROOT = tmp_path / "media"
    folder = make_course(tmp_path)
    import_lessons(folder)
    return folder


@pytest.fixture
def tina(settings: Settings) -> Client:
    """An instructor, signed in."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    return signed_in("tina", instructor=True)


def signed_in(name: str, *, instructor: bool = False) -> Client:
    user = get_user_model().objects.create_user(name, f"{name}@example.org", "pw")
    if instructor:
        user.groups.add(Group.objects.get_or_create(name="instructors")[0])
    client = Client()
    client.force_login(user)
    return client


def page(name: str, lesson: Lesson | None = None, language: str = "en", **more: Any) -> str:
    lesson = lesson or lesson_titled("Tools")
    return reverse(f"admin:lessons_text_{name}", args=[lesson.pk, language, *more.values()])


def fields(html: str) -> dict[str, str]:
    """What a browser would send of a text's page."""
    seen = re.search(r'name="seen" value="([^"]*)"', html)
    note = re.search(r'name="note" value="([^"]*)"', html)
    markdown = re.search(r"<textarea name=\"markdown\"[^>]*>\n?(.*?)</textarea>", html, re.DOTALL)
    assert seen
    assert markdown
    return {
        "seen": seen[1],
        "note": unescape(note[1]) if note else "",
        "markdown": unescape(markdown[1]).replace("\n", "\r\n"),
    }


def write(client: Client, markdown: str, do: str = "publish", *, at: str = "", **more: str) -> str:
    """Open a text's page, write, press a button; gives the page that follows."""
    at = at or page("edit")
    sent = fields(client.get(at).content.decode())
    sent |= {"markdown": markdown.replace("\n", "\r\n"), "do": do, **more}
    response = client.post(at, sent, follow=True)
    assert response.status_code == 200
    return str(response.content.decode())


def tools() -> LessonText:
    return LessonText.objects.get(lesson__slug="tools", language="en")


def reader_sees(words: str) -> bool:
    return words in Client().get("/en/courses/agents/first-steps/tools/").content.decode()


# --- From the draft to the reader ------------------------------------------------------------------


def test_a_draft_is_seen_by_its_link_and_published_at_once(folder: Path, tina: Client) -> None:
    reader, address = Client(), "/en/courses/agents/first-steps/tools/"
    etag = reader.get(address).headers["ETag"]

    html = write(tina, MINE, "save", note="Shorter")

    assert "Saved as a draft" in html
    assert reader.get(address, headers={"If-None-Match": etag}).status_code == 304
    [draft] = LessonDraft.objects.all()
    [link] = re.findall(r'class="authoring-link"[^>]* value="([^"]+)"', html)
    seen = reader.get(link).content.decode()
    assert "Tools let an agent act." in seen
    assert "You are reading a draft" in seen
    assert "no-store" in reader.get(link).headers["Cache-Control"]
    assert "/admin/" not in seen

    write(tina, MINE, "withdraw-link")
    assert reader.get(link).status_code == reader.get(f"{address}?draft=").status_code == 404
    assert "You are reading a draft" in tina.get(f"{address}?draft=").content.decode()
    write(tina, MINE, "share")
    draft.refresh_from_db()
    assert reader.get(link).status_code == 404
    assert reader.get(f"{address}?draft={draft.token}").status_code == 200

    assert "Readers see it now" in write(tina, MINE, "publish", note="Shorter")
    again = reader.get(address, headers={"If-None-Match": etag})
    assert again.status_code == 200
    assert "Tools let an agent act." in again.content.decode()
    assert reader.get(f"{address}?draft={draft.token}").status_code == 404
    text = tools()
    assert (text.markdown, str(text.updated_by)) == (MINE, "tina")
    newest, first = text.history.all()
    assert (str(newest.history_user), newest.history_change_reason) == ("tina", "Shorter")
    assert (first.history_user, first.markdown) == (None, TOOLS)


def test_learners_find_nothing_to_write_with(folder: Path, tina: Client) -> None:
    write(tina, MINE, "save")
    learner = signed_in("lee")
    addresses = [reverse("admin:lessons_lesson_changelist"), reverse("admin:lessons_lesson_add")]
    addresses += [page(name) for name in ("edit", "preview", "discard", "history", "conflict")]
    addresses += [page("restore", version=1), reverse("admin:lessons_lesson_move", args=[1, "up"])]

    for address in addresses:
        assert learner.get(address).status_code == learner.post(address).status_code == 404
        assert Client().post(address).status_code == 302
    assert learner.get("/en/courses/agents/first-steps/tools/?draft=").status_code == 404
    assert tina.get(reverse("admin:helloagents_user_changelist")).status_code == 404
    assert tina.get(reverse("admin:index")).status_code == 200
    assert LessonDraft.objects.get().markdown == MINE


def test_the_preview_is_what_readers_get_and_names_what_to_mend(folder: Path, tina: Client) -> None:
    said = (
        "## 1.2 Tools\n\n[loop](一.md#11-循环) **bold** <script>alert(1)</script>\n\n```\n[no](x.md)\n```\n"
        "\n[gone](gone.md)\n![none](none.png)\n\n$\\frac{1$\n\n## 1.3 More\n"
    )
    answer = tina.post(page("preview"), {"markdown": said}, content_type="application/json").json()

    remarks = {(remark["line"], remark["is_fault"]) for remark in answer["remarks"]}
    assert {(9, False), (10, False), (14, True)} <= remarks
    assert "<script" not in answer["html"]
    assert 'href="/en/courses/agents/first-steps/the-loop/"' in answer["html"]
    write(tina, MINE)
    answer = tina.post(page("preview"), {"markdown": MINE}, content_type="application/json").json()
    assert answer["html"] in Client().get("/en/courses/agents/first-steps/tools/").content.decode()
    assert (answer["title"], answer["remarks"]) == ("Tools", [])
    for body in ("{", "[]", '{"markdown": 1}'):
        assert tina.post(page("preview"), body, content_type="application/json").status_code == 400
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = tina.cookies
    assert strict.post(page("preview"), {"markdown": ""}, content_type="application/json").status_code == 403


@pytest.mark.parametrize(
    "text",
    ["", "No heading.\n", MINE + "## 1.3 Another\n", MINE + "```python\n", MINE + "<!-- left open\n"],
)
def test_what_would_come_apart_in_its_file_is_not_published(folder: Path, tina: Client, text: str) -> None:
    html = write(tina, text)

    assert '<li class="error">' in html
    assert 'class="fault"' in html
    assert tools().markdown == TOOLS
    assert LessonDraft.objects.exists()


def test_two_who_write_at_once_hear_of_each_other(folder: Path, tina: Client) -> None:
    theo = signed_in("theo", instructor=True)
    stale = fields(theo.get(page("edit")).content.decode())
    write(tina, MINE, "save")

    response = theo.post(page("edit"), {**stale, "markdown": MINE + "Theo's.\n", "do": "publish"})

    assert response.status_code == 409
    assert "Somebody saved another text" in response.content.decode()
    # What the other one saved is there to compare, and nothing is asked for that is not wanted.
    assert '<td class="after">Theo&#x27;s.</td>' in response.content.decode()
    assert "This field is required" not in response.content.decode()
    again = fields(response.content.decode())
    assert "Theo's." in again["markdown"]
    assert LessonDraft.objects.get().markdown == MINE
    theo.post(page("edit"), {**again, "do": "publish"})
    assert reader_sees("Theo&#x27;s.") or reader_sees("Theo's.")


def test_an_untouched_text_leaves_nothing_behind(folder: Path, tina: Client) -> None:
    for do in ("save", "publish", "look"):
        write(tina, TOOLS, do)
    assert not LessonDraft.objects.exists()
    write(tina, MINE, "save")
    tina.post(page("discard"))
    assert not LessonDraft.objects.exists()
    assert tools().history.count() == 1
    assert not Divergence.objects.exists()


def test_line_ends_stay_as_the_file_has_them(folder: Path, tina: Client) -> None:
    write_files(folder, {"ch1/one.md": ENGLISH.replace("\n", "\r\n").rstrip()})
    import_lessons(folder)

    write(tina, TOOLS.rstrip() + "\n\nMore.")

    text = tools().markdown
    assert text == TOOLS.rstrip().replace("\n", "\r\n") + "\r\n\r\nMore.\r\n\r\n"
    out = folder.parent / "out"
    export("agents", out)
    assert (out / "ch1/one.md").read_bytes() == (
        ENGLISH.replace("\n", "\r\n").rstrip().encode().replace(b"outside.\r\n", b"outside.\r\n\r\nMore.\r\n")
    )


# --- At a time --------------------------------------------------------------------------------------


def test_a_draft_is_published_when_it_is_due(folder: Path, tina: Client) -> None:
    later = timezone.localtime(timezone.now() + timedelta(days=1))
    html = write(tina, MINE, "schedule", publish_at=later.strftime("%Y-%m-%dT%H:%M"))
    assert "when its time comes" in html
    publish_due()
    assert not reader_sees("let an agent act")

    LessonDraft.objects.update(publish_at=timezone.now() - timedelta(minutes=1))
    publish_due()
    publish_due()

    assert reader_sees("let an agent act")
    assert not LessonDraft.objects.exists()
    assert tools().history.count() == 2
    assert str(tools().updated_by) == "tina"


def test_a_time_can_be_taken_back_and_must_be_to_come(folder: Path, tina: Client) -> None:
    sent = {**fields(tina.get(page("edit")).content.decode()), "markdown": MINE, "do": "schedule"}
    assert tina.post(page("edit"), {**sent, "publish_at": "2020-01-01T10:00"}).status_code == 400
    assert tina.post(page("edit"), {**sent, "publish_at": ""}).status_code == 400
    write(tina, MINE, "schedule", publish_at="2999-01-01T10:00")
    write(tina, MINE, "unschedule")
    assert LessonDraft.objects.get().publish_at is None


def test_what_is_due_is_not_published_over_newer_words(folder: Path, tina: Client) -> None:
    write(tina, MINE, "schedule", publish_at="2999-01-01T10:00")
    edit(folder / "ch1/one.md", "world outside", "world around")
    printed = import_lessons(folder)
    assert any("ch1/one.md:9" in line and "there is a draft" in line for line in printed.warnings)
    LessonDraft.objects.update(publish_at=timezone.now())

    publish_due()

    assert reader_sees("world around")
    draft = LessonDraft.objects.get()
    assert draft.publish_at is None
    html = write(tina, MINE, "publish")
    assert "What readers have now" in html
    tina.post(page("conflict"), {**fields(html), "do": "merged", "markdown": MINE + "Around.\n"})
    assert not reader_sees("Around.")
    write(tina, MINE + "Around.\n")
    assert reader_sees("Around.")


# --- Versions ---------------------------------------------------------------------------------------


def test_any_two_versions_are_compared_and_any_restored(folder: Path, tina: Client) -> None:
    write(tina, MINE, note="Shorter")
    write(tina, MINE.replace("act", "act & <b>see</b>"), note="Clearer")
    newest, second, first = tools().history.all()

    html = tina.get(page("history"), {"a": first.pk, "b": newest.pk}).content.decode()

    assert "act<ins> &amp; &lt;b&gt;see&lt;/b&gt;</ins>" in tina.get(page("history")).content.decode()
    assert "<del>" in html
    assert html.index("Clearer") < html.index("Shorter") < html.index("from the files")

    tina.post(page("restore", version=second.pk))
    assert tools().markdown == MINE
    assert tools().history.count() == 4
    assert "Back to the version" in tools().history.first().history_change_reason
    tina.post(page("restore", version=first.pk))
    assert tools().markdown == TOOLS
    assert not Divergence.objects.exists()
    assert tina.post(page("restore", version=10**9)).status_code == 404
    other = lesson_titled("The Loop").texts.get(language="en").history.first()
    assert tina.post(page("restore", version=other.pk)).status_code == 404
    assert tina.get(page("history"), {"a": "x", "b": "9" * 30}).status_code == 200


def test_the_list_of_versions_costs_the_same_for_many(folder: Path, tina: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert tina.get(page("history")).status_code == 200
        return len(captured)

    write(tina, MINE)
    few = queries()
    for number in range(5):
        write(tina, f"{MINE}{number}\n")
    assert queries() == few


# --- The files have a say ---------------------------------------------------------------------------


def test_a_change_here_survives_the_import_of_unchanged_files(folder: Path, tina: Client) -> None:
    write(tina, MINE.replace("Tools\n", "Hands\n"))
    before = rows("agents")

    printed = import_lessons(folder, prune=True)

    assert "Nothing changed" in printed.out
    assert rows("agents") == before
    edit(folder / "ch1/one.md", "Why one should", "Why everybody should")
    assert import_lessons(folder).counts("chapters") == {"updated": 1}
    assert "1.2 Hands" in titles()


def test_both_changed_is_a_conflict_and_loses_nothing(folder: Path, tina: Client) -> None:
    write(tina, MINE)
    edit(folder / "ch1/one.md", "world outside", "world around")

    printed = import_lessons(folder)
    again = import_lessons(folder)

    [warning] = printed.warnings
    address = page("conflict")
    assert warning.startswith("ch1/one.md:9: changed “Tools” (en), and so did staff")
    assert address in warning
    assert "conflicts           1" in printed.out
    assert again.warnings == printed.warnings
    assert "Nothing changed" in again.out
    assert reader_sees("let an agent act")
    listed = tina.get(reverse("admin:lessons_lesson_changelist"), {"work": "conflict"}).content.decode()
    assert "1.2 Tools" in listed
    assert "1.1 The Loop" not in listed
    html = tina.get(address).content.decode()
    for words in ("world outside", "world around", "let an agent act"):
        assert words in html

    sent = fields(html)
    assert "<<<<<<<" in sent["markdown"]
    refused = tina.post(address, {**sent, "do": "merged"})
    assert "decide for one and take the marks out" in refused.content.decode()
    tina.post(address, {**sent, "do": "merged", "markdown": "## 1.2 Tools\n\nBoth.\n"})
    assert tools().markdown == "## 1.2 Tools\n\nBoth.\n\n"
    assert "Nothing changed" in import_lessons(folder).out
    divergence = Divergence.objects.get()
    assert divergence.source is None
    assert "world around" in divergence.base


@pytest.mark.parametrize(("do", "words"), [("mine", "let an agent act"), ("theirs", "world around")])
def test_one_side_can_be_taken_whole(folder: Path, tina: Client, do: str, words: str) -> None:
    write(tina, MINE)
    edit(folder / "ch1/one.md", "world outside", "world around")
    import_lessons(folder)
    sent = fields(tina.get(page("conflict")).content.decode())
    edit(folder / "ch1/one.md", "world around", "world all around")
    import_lessons(folder)
    assert tina.post(page("conflict"), {**sent, "do": do}).status_code == 200  # decided too late
    assert tools().markdown == MINE

    tina.post(page("conflict"), {**fields(tina.get(page("conflict")).content.decode()), "do": do})

    assert reader_sees(words.replace("around", "all around"))
    assert Divergence.objects.exists() == (do == "mine")
    assert import_lessons(folder).warnings == []
    assert tina.get(page("conflict")).status_code == 302


def test_force_takes_the_files_and_the_history_keeps_the_rest(folder: Path, tina: Client) -> None:
    write(tina, MINE)
    edit(folder / "ch1/one.md", "world outside", "world around")

    import_lessons(folder, force=True)

    assert reader_sees("world around")
    assert not Divergence.objects.exists()
    assert [version.markdown for version in tools().history.all()][1:] == [MINE, TOOLS]


def test_the_files_may_come_to_say_the_same(folder: Path, tina: Client) -> None:
    write(tina, MINE)
    out = folder.parent / "out"
    export("agents", out)

    assert (out / "ch1/one.md").read_text(encoding="utf-8") == ENGLISH.replace(TOOLS, MINE)
    import_lessons(out, course="agents")
    assert not Divergence.objects.exists()
    assert "Nothing changed" in import_lessons(out, course="agents").out
    assert contents(out) == {
        path: content.replace(TOOLS.encode(), MINE.encode()) for path, content in contents(folder).items()
    }


# --- The outline ------------------------------------------------------------------------------------


def begin(client: Client, *, chapter: Lesson | None = None, number: str, title: str) -> str:
    """The address at which a new lesson is written."""
    lesson = Lesson.objects.first()
    assert lesson
    form = {"course": lesson.course_id, "chapter": chapter.pk if chapter else "", "language": "en"}
    response = client.post(reverse("admin:lessons_lesson_add"), {**form, "number": number, "title": title})
    assert response.status_code == 302
    return str(response.headers["Location"])


def test_new_chapters_and_lessons_are_written_here_and_exported(folder: Path, tina: Client) -> None:
    chapter_page = begin(tina, number="2", title="Next Steps")
    chapter = Lesson.objects.get(slug="next-steps")
    lesson_page = begin(tina, chapter=chapter, number="2.1", title="Onward")
    assert titles() == ["1 First Steps", "1.1 The Loop", "1.2 Tools", "Exercises"]
    assert tina.get("/en/courses/agents/next-steps/onward/?draft=").status_code == 200
    assert "Publish that first" in write(tina, "## 2.1 Onward\n\nGo.\n", at=lesson_page)

    write(tina, "# Chapter 2: Next Steps\n\nOn we go.\n", at=chapter_page)
    write(tina, "## 2.1 Onward\n\nGo on.\n", at=lesson_page)

    assert titles()[-2:] == ["2 Next Steps", "2.1 Onward"]
    assert "Go on." in Client().get("/en/courses/agents/next-steps/onward/").content.decode()
    before = rows("agents")
    again = import_lessons(folder, prune=True)
    assert "Nothing changed" in again.out
    assert again.warnings == []
    out = folder.parent / "out"
    export("agents", out)
    assert (out / "next-steps/next-steps.en.md").read_text() == (
        "# Chapter 2: Next Steps\n\nOn we go.\n## 2.1 Onward\n\nGo on.\n"
    )
    assert "  - [Chapter 2: Next Steps](next-steps/next-steps.en.md)" in (out / "_sidebar_en.md").read_text()
    assert (out / "_sidebar.md").read_bytes() == (folder / "_sidebar.md").read_bytes()
    import_lessons(out, course="twin")
    assert rows("twin") == before
    import_lessons(out, course="agents")
    assert rows("agents") == before
    assert "Nothing changed" in import_lessons(out, course="agents").out
    assert not LessonText.objects.filter(is_from_files=False).exists()


def test_a_course_made_here_comes_back_without_a_warning(folder: Path, tina: Client) -> None:
    course = Course.objects.create(slug="mine", default_language="en")
    course.texts.create(language="en", title="My course", description="A course of my own.")
    tina.post(reverse("admin:lessons_lesson_add"), new_lesson(course=course.pk, number="1", title="Hello"))
    chapter = Lesson.objects.get(slug="hello")
    tina.post(
        reverse("admin:lessons_lesson_add"),
        new_lesson(course=course.pk, chapter=chapter.pk, number="1.1", title="World"),
    )
    for lesson in (chapter, Lesson.objects.get(slug="world")):
        at = page("edit", lesson)
        write(tina, fields(tina.get(at).content.decode())["markdown"].replace("\r", "") + "Words.\n", at=at)

    export("mine", folder.parent / "out")

    again = import_lessons(folder.parent / "out", course="mine")
    assert again.warnings == []
    assert "Chapter 1: Hello" in (folder.parent / "out/_sidebar.md").read_text()
    assert {"1 Hello", "1.1 World"} <= set(titles())
    assert list(course.texts.values_list("language", "title", "description")) == [
        ("en", "My course", "A course of my own.")
    ]


def new_lesson(**said: Any) -> dict[str, Any]:
    course = Course.objects.get(slug="agents")
    return {"course": course.pk, "chapter": "", "language": "en", "number": "", "title": "New", **said}


@pytest.mark.parametrize(
    ("number", "language", "heading"),
    [
        ("2", "en", "# Chapter 2: Hello"),
        ("2", "zh-hans", "# 第 2 章 Hello"),
        ("A", "en", "# Appendix A: Hello"),
        ("", "en", "# Hello"),
    ],
)
def test_a_new_chapter_begins_with_a_heading_that_says_its_number(
    folder: Path, tina: Client, number: str, language: str, heading: str
) -> None:
    said = new_lesson(number=number, language=language, title="Hello")
    html = tina.post(reverse("admin:lessons_lesson_add"), said, follow=True).content.decode()

    assert fields(html)["markdown"] == f"{heading}\r\n\r\n"


def test_a_translation_begins_with_the_number_of_its_twin(folder: Path, tina: Client) -> None:
    write(tina, "# Chapter 2: Hello\n", at=begin(tina, number="2", title="Hello"))

    html = tina.get(page("edit", Lesson.objects.get(slug="hello"), "zh-hans")).content.decode()

    assert fields(html)["markdown"] == "# 第 2 章 Hello\r\n"


@pytest.mark.parametrize(("number", "words"), [("abc", "no number such as"), ("1.1", "one with this number")])
def test_a_number_must_be_one_and_free(folder: Path, tina: Client, number: str, words: str) -> None:
    chapter = lesson_titled("First Steps").pk

    said = new_lesson(chapter=chapter, number=number)
    assert words in tina.post(reverse("admin:lessons_lesson_add"), said).content.decode()
    assert not LessonDraft.objects.exists()


def test_two_lessons_of_a_chapter_cannot_be_published_with_one_number(folder: Path, tina: Client) -> None:
    at = begin(tina, chapter=lesson_titled("First Steps"), number="1.3", title="Hands")

    assert "has the number 1.1 already" in write(tina, "## 1.1 Hands\n\nHands.\n", at=at)
    assert "1.1 Hands" not in titles()
    assert "Readers see it now" in write(tina, "## 1.4 Hands\n\nHands.\n", at=at)


def test_chapters_are_offered_in_the_readers_language(folder: Path, tina: Client) -> None:
    add = reverse("admin:lessons_lesson_add")

    assert ">Agents: 1 First Steps</option>" in tina.get(add).content.decode()
    assert (
        ">Agents: 1 起步</option>" in tina.get(add, headers={"Accept-Language": "zh-hans"}).content.decode()
    )


def test_a_new_lesson_that_is_discarded_is_gone(folder: Path, tina: Client) -> None:
    address = begin(tina, chapter=lesson_titled("First Steps"), number="", title="Not yet")
    assert Lesson.objects.filter(slug="not-yet").exists()
    tina.post(address.replace("/edit/", "/discard/"))
    assert not Lesson.objects.filter(slug="not-yet").exists()


def test_a_heading_gives_number_and_title(folder: Path, tina: Client) -> None:
    before = lesson_titled("Tools").pk
    write(tina, TOOLS.replace("1.2 Tools", "1.7 Hands"))
    assert "1.2 Hands" in titles()  # the number is that of the course's own language
    write(tina, "## 1.7 手\n\n工具。\n", at=page("edit", Lesson.objects.get(pk=before), "zh-hans"))
    assert "1.7 Hands" in titles()
    assert lesson_titled("Hands").pk == before
    assert "Nothing changed" in import_lessons(folder).out


def test_what_stands_beside_a_lesson_follows_its_new_number(folder: Path, tina: Client) -> None:
    script = 'lesson = "1.2"\n\n[[reply]]\ntext = "Hello"\n'
    write_files(folder, {"ch1/hello.model.toml": script})
    import_lessons(folder)
    chinese = page("edit", lesson_titled("Tools"), "zh-hans")
    write(tina, "## 1.7 工具\n\n工具让智能体接触外面的世界。\n", at=chinese)

    again = import_lessons(folder)

    assert "Nothing changed" in again.out
    assert again.warnings == []
    export("agents", folder.parent / "out")
    exported = (folder.parent / "out/ch1/hello.model.toml").read_text(encoding="utf-8")
    assert exported == script.replace("1.2", "1.7")


def test_staff_order_holds_until_the_files_have_another(folder: Path, tina: Client) -> None:
    move = reverse("admin:lessons_lesson_move", args=[lesson_titled("Exercises").pk, "up"])
    tina.post(move)
    assert titles() == ["1 First Steps", "1.1 The Loop", "Exercises", "1.2 Tools"]
    assert "Nothing changed" in import_lessons(folder).out
    before = rows("agents")
    export("agents", folder.parent / "out")
    import_lessons(folder.parent / "out", course="twin")
    assert rows("twin") == before
    Course.objects.filter(slug="twin").delete()

    edit(folder / "ch1/one.md", "## 1.2 Tools", "## 1.15 New\n\nAdded.\n\n## 1.2 Tools")
    edit(folder / "ch1/一.md", "## 1.2 工具", "## 1.15 新\n\n新的。\n\n## 1.2 工具")
    import_lessons(folder)
    assert titles() == ["1 First Steps", "1.1 The Loop", "1.15 New", "Exercises", "1.2 Tools"]

    for name, tools_text, loop in (
        ("one.md", TOOLS, "## 1.1 The Loop"),
        ("一.md", "## 1.2 工具\n\n工具让智能体接触外面的世界。\n\n", "## 1.1 循环"),
    ):
        edit(folder / "ch1" / name, tools_text, "")
        edit(folder / "ch1" / name, loop, tools_text + loop)
    printed = import_lessons(folder)
    assert any("whose order is kept" in warning for warning in printed.warnings)
    assert titles()[1:3] == ["1.1 The Loop", "1.15 New"]
    assert "Nothing changed" in import_lessons(folder).out
    import_lessons(folder, force=True)
    assert titles() == ["1 First Steps", "1.2 Tools", "1.1 The Loop", "1.15 New", "Exercises"]
    assert "Nothing changed" in import_lessons(folder).out


def test_what_is_taken_off_stays_off(folder: Path, tina: Client) -> None:
    outline = reverse("admin:lessons_lesson_changelist")
    lesson = lesson_titled("Tools")
    chosen = {"_selected_action": [lesson.pk], "action": "withdraw"}
    tina.post(outline, chosen)

    import_lessons(folder)

    assert Client().get("/en/courses/agents/first-steps/tools/").status_code == 404
    tina.post(outline, {**chosen, "action": "put_back"})
    assert reader_sees("world outside")
    chapter = lesson_titled("First Steps")
    tina.post(outline, {**chosen, "_selected_action": [chapter.pk]})
    assert titles() == []
    tina.post(outline, {**chosen, "_selected_action": [chapter.pk], "action": "put_back"})
    assert len(titles()) == 4


def test_the_outline_says_who_is_at_what(folder: Path, tina: Client) -> None:
    outline = reverse("admin:lessons_lesson_changelist")
    write(tina, MINE, "save")
    html = tina.get(outline).content.decode()
    assert "edition-draft" in html
    assert "tina" in html
    for work, count in {"draft": 1, "scheduled": 0, "conflict": 0, "edited": 0, "withdrawn": 0}.items():
        listed = tina.get(outline, {"work": work}).content.decode()
        assert listed.count("edition-draft") == count
    write(tina, MINE)
    assert "edition-edited" in tina.get(outline, {"work": "edited"}).content.decode()
    assert tina.get(reverse("admin:lessons_lesson_change", args=[tools().lesson_id])).status_code == 200
    with CaptureQueriesContext(connection) as few:
        tina.get(outline)
    for number in range(5):
        address = begin(tina, chapter=lesson_titled("First Steps"), number="", title=f"More {number}")
        write(tina, f"## More {number}\n", at=address)
    with CaptureQueriesContext(connection) as many:
        tina.get(outline)
    assert len(many) == len(few)
