"""The Chinese catalogue is complete, and Chinese pages speak no English."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import translation

from helloagents.first_admin import make_token
from lessons.models import Lesson
from progress.models import Submission

CATALOGUE = Path(settings.BASE_DIR) / "locale/zh_Hans/LC_MESSAGES/django.po"
COURSE = Path(settings.BASE_DIR) / "lessons/content/first-agents"
# %(name)s, %d, {name}, <tag …>, and the $ of the editor's own phrases
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}|</?[a-z][^>]*>|\$")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass
class Message:
    source: str = ""
    plural: str = ""
    translations: tuple[str, ...] = ()
    is_fuzzy: bool = False


def read_catalogue() -> list[Message]:
    """The messages of the .po file, without its header."""
    messages = [_message(block) for block in re.split(r"\n\n+", CATALOGUE.read_text(encoding="utf-8"))]
    return [message for message in messages if message.source]


def _message(block: str) -> Message:
    texts: dict[str, str] = {}
    key = ""
    for line in block.splitlines():
        if keyword := re.match(r'(msg[\w\[\]]+) (?=")', line):
            key = keyword[1]
        if not line.startswith("#") and '"' in line:
            texts[key] = texts.get(key, "") + ast.literal_eval(line[line.index('"') :])
    return Message(
        source=texts.get("msgid", ""),
        plural=texts.get("msgid_plural", ""),
        translations=tuple(text for key, text in texts.items() if key.startswith("msgstr")),
        is_fuzzy=bool(re.search(r"(?m)^#,.*\bfuzzy\b", block)),
    )


def placeholders(text: str) -> Counter[str]:
    return Counter(PLACEHOLDER.findall(text))


def test_every_text_is_translated() -> None:
    messages = read_catalogue()

    assert len(messages) > 300
    assert [message.source for message in messages if message.is_fuzzy or not all(message.translations)] == []
    # Chinese has one form for every number.
    assert [message.source for message in messages if len(message.translations) != 1] == []


def test_translations_keep_the_placeholders_and_tags() -> None:
    wrong = [
        (message.source, message.translations[0])
        for message in read_catalogue()
        if placeholders(message.plural or message.source) != placeholders(message.translations[0])
    ]
    assert wrong == []


def test_chinese_sentences_use_chinese_punctuation() -> None:
    odd = [
        text
        for message in read_catalogue()
        for text in message.translations
        if re.search(r"[\u4e00-\u9fff][,;:!?]|[\u4e00-\u9fff]\.(?!\w)", text)
    ]
    assert odd == []


# --- Pages ----------------------------------------------------------------------------------------


class Visible(HTMLParser):
    """What a reader of a page sees or hears: texts and labels, without code and without other languages."""

    HIDDEN = frozenset({"script", "style", "pre", "code", "textarea"})
    VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source"})
    LABELS = frozenset({"alt", "aria-label", "content", "placeholder", "title"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inside_hidden = bool(self._open) and self._open[-1][1]
        is_hidden = inside_hidden or tag in self.HIDDEN or dict(attrs).get("lang") == "en"
        if not is_hidden:
            self.texts += [value for name, value in attrs if name in self.LABELS and value]
        if tag not in self.VOID:
            self._open.append((tag, is_hidden))

    def handle_endtag(self, tag: str) -> None:
        if tag in [name for name, _ in self._open]:
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not (self._open and self._open[-1][1]):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "\n".join(" ".join(text.split()) for text in self.texts)


def english_pieces() -> set[str]:
    """What stands between the placeholders of our English texts, where that is long enough to be told."""
    texts = [text for message in read_catalogue() for text in (message.source, message.plural)]
    pieces = {" ".join(piece.split()) for text in texts for piece in PLACEHOLDER.split(text)}
    return {piece for piece in pieces if len(piece) > 12}


def english_in(answer: Any) -> list[str]:
    text = Visible(answer.content.decode()).text
    assert CHINESE.search(text)
    return sorted(piece for piece in english_pieces() if piece in text)


@pytest.fixture
def reader(db: None, client: Client, settings: Any) -> Client:
    """A guest whose browser asks for Chinese, on a site with the course that comes with it."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    call_command("import_lessons", COURSE, verbosity=0)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-CN,zh;q=0.9"
    return client


def addresses() -> list[str]:
    """A guest's pages in Chinese."""
    with translation.override("zh-hans"):
        lessons = [lesson.get_absolute_url() for lesson in Lesson.objects.select_related("course", "parent")]
        names = ("account_login", "account_signup", "account_reset_password", "account_reset_password_done")
        return [
            reverse("catalogue"),
            reverse("course", args=[COURSE.name]),
            *lessons,
            *map(reverse, names),
            reverse("first-admin", args=[make_token()]),
        ]


def test_pages_of_guests_are_chinese(reader: Client) -> None:
    pages = addresses()

    assert len(pages) > 10
    for address in pages:
        answer = reader.get(address)
        assert answer.status_code == 200, address
        assert (address, english_in(answer)) == (address, [])


def test_pages_that_are_not_there_are_chinese(reader: Client) -> None:
    answer = reader.get("/zh-hans/courses/nowhere/")

    assert answer.status_code == 404
    assert english_in(answer) == []


def test_between_chinese_sentences_is_no_gap() -> None:
    with translation.override("zh-hans"):
        page = render_to_string("429.html", {"seconds": 3})

    assert "歇一会儿。请在 3 秒后再试。" in page


def test_forms_complain_in_chinese(reader: Client) -> None:
    answer = reader.post("/zh-hans/accounts/signup/", {"username": "", "email": "x", "password1": "12"})

    text = Visible(answer.content.decode()).text
    assert "密码太短，至少要有 8 个字符。" in text
    assert "请输入有效的邮箱地址。" in text
    assert english_in(answer) == []


def test_pages_of_learners_and_teachers_are_chinese(reader: Client, django_user_model: Any) -> None:
    learner = django_user_model.objects.create_user("mei", "mei@example.org", "quiet-lamp-74", is_staff=True)
    lesson = Lesson.objects.first()
    runs = [
        Submission.objects.create(
            learner=learner,
            lesson=lesson,
            code="print('hi')",
            status=Submission.Status.FINISHED,
            outcome=outcome,
            wall_time=0.5,
            cpu_time=0.25,
            peak_memory=2**20,
        )
        for outcome in Submission.OutcomeChoice.values
    ]
    reader.force_login(learner)
    with translation.override("zh-hans"):
        names = (
            *("submissions", "account", "account_email", "account_change_password", "account_logout"),
            *("mfa_index", "usersessions_list", "socialaccount_connections", "model-key"),
            *("account-erase", "account_reauthenticate"),
        )
        pages = [*map(reverse, names), *(reverse("submission", args=[run.pk]) for run in runs)]
        pages.append(reverse("listings", args=[COURSE.name]))

    for address in pages:
        answer = reader.get(address)
        assert answer.status_code == 200, address
        assert (address, english_in(answer)) == (address, [])


def test_numbers_and_dates_are_chinese(reader: Client, django_user_model: Any) -> None:
    learner = django_user_model.objects.create_user("mei", "mei@example.org", "quiet-lamp-74")
    run = Submission.objects.create(learner=learner, code="print('hi')")
    reader.force_login(learner)

    page = reader.get("/zh-hans/submissions/").content.decode()

    assert f"{run.created_at.year}年{run.created_at.month}月" in page
    assert re.search(r"\b\d+ 节", reader.get("/zh-hans/").content.decode())
