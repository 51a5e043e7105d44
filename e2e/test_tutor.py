"""A learner talks with the tutor: real pages, real streams, and a model service over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from deploy.dev.services import Site
from e2e.learn_page import LESSON, LearnPage
from e2e.test_everybody import serious
from e2e.visitors import Visitors, sign_up
from tutor.tests.makers import Behaviour, FakeProvider, answers, fails, fake_provider
from tutor.tests.makers import _chunk as chunk

HOSTILE = (
    "<img src=x onerror='document.title=1'><script>document.title=2</script>"
    "![x](https://evil.example/pixel.png) [x](javascript:alert(1)) [[made:up#citation]] "
)
CODE = "Look:\n\n```python\nprint('from the tutor')\n```\n"


@pytest.fixture(scope="module")
def provider(site: Site) -> Iterator[FakeProvider]:
    """The site's model while these tests run."""
    with fake_provider() as made:
        values = {"name": "local", "url": made.url, "model_names": "gpt-4o-local"}
        shell = ("shell", "--no-imports", "-c")
        site.manage(*shell, f"from tutor.models import SiteProvider as P; P.objects.create(**{values!r})")
        yield made
        site.manage(*shell, "from tutor.models import SiteProvider as P; P.objects.all().delete()")


class Talk:
    """The tutor's panel."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.locator("[data-tutor=panel]")
        self.question = self.panel.get_by_role("textbox", name="Your question")
        self.answer = self.panel.locator(".talk-answer").last
        self.stop = self.panel.get_by_role("button", name="Stop")

    def open(self) -> Talk:
        self.page.get_by_role("tab", name="Tutor").click()
        expect(self.question).to_be_visible()
        return self

    def ask(self, question: str) -> None:
        self.question.fill(question)
        self.question.press("Enter")

    def text(self) -> Locator:
        return self.answer.locator(".talk-text")


@pytest.fixture
def talk(provider: FakeProvider, learn: LearnPage) -> Talk:
    provider.behaviours.clear()
    provider.hung_up.clear()
    return Talk(learn.page).open()


def says_in_two_parts(first: str, rest: str, go_on: threading.Event) -> Behaviour:
    def behave(handler: Any, body: Any) -> None:
        handler.begin_stream()
        handler.send_event(chunk({"content": first}))
        go_on.wait(60)
        handler.send_event(chunk({"content": rest}))
        handler.send_event(chunk({}, "stop"))
        handler.send_event("[DONE]")
        handler.end_stream()

    return behave


def test_words_come_as_they_are_said_and_stop_ends_the_providers_work(
    talk: Talk, provider: FakeProvider
) -> None:
    provider.behaviours.append(says_in_two_parts("The first ", "words", threading.Event()))
    talk.ask("Why?")

    # A process's first answer waits for the SDK to be imported, which takes long on a busy machine.
    expect(talk.answer).to_contain_text("The first", timeout=60_000)
    expect(talk.panel.get_by_role("status")).to_have_text("The tutor is writing.")
    talk.stop.click()
    expect(talk.answer).to_contain_text("You stopped this answer.")
    expect(talk.text()).to_have_text("The first")
    expect(talk.stop).to_have_attribute("aria-disabled", "true")


def test_a_page_loaded_in_the_middle_shows_what_was_said_and_goes_on_and_so_does_another_tab(
    talk: Talk, provider: FakeProvider
) -> None:
    go_on = threading.Event()
    other = LearnPage(talk.page.context.new_page()).open()
    other_talk = Talk(other.page).open()
    provider.behaviours.append(says_in_two_parts("So far, ", "so good.", go_on))
    talk.ask("How is it?")
    expect(talk.answer).to_contain_text("So far,")
    expect(other_talk.answer).to_contain_text("So far,")
    talk.page.reload()
    expect(talk.answer).to_contain_text("So far,")
    go_on.set()

    for each in (talk, other_talk):
        expect(each.text()).to_have_text("So far, so good.")
        expect(each.panel.locator(".talk-question")).to_have_count(1)


def test_a_long_answer_is_read_from_its_beginning_and_followed_where_its_reader_is(
    talk: Talk, provider: FakeProvider
) -> None:
    go_on = threading.Event()
    lines = [f"Sentence {number}.\n\n" for number in range(60)]
    provider.behaviours.append(says_in_two_parts("".join(lines[:40]), "".join(lines[40:]), go_on))
    talk.ask("Tell me all")
    expect(talk.answer).to_contain_text("Sentence 39.")
    expect(talk.answer.get_by_text("Sentence 0.")).to_be_in_viewport()
    talk.panel.locator("[data-tutor=scroller]").evaluate("it => it.scrollTop = it.scrollHeight")
    expect(talk.answer.get_by_text("Sentence 39.")).to_be_in_viewport()
    go_on.set()
    expect(talk.text()).to_contain_text("Sentence 59.")
    expect(talk.answer.get_by_role("button", name="Copy")).to_be_in_viewport()

    talk.page.reload()
    expect(talk.answer.get_by_text("Sentence 0.")).to_be_in_viewport()


def test_a_conversation_has_more_room_than_an_output(talk: Talk) -> None:
    divider = talk.page.get_by_role("separator", name="Height of the editor")
    expect(divider).to_have_attribute("aria-valuenow", "30")
    box = talk.panel.locator("[data-tutor=scroller]").bounding_box()
    assert box is not None
    assert box["height"] > 350
    divider.press("ArrowDown")
    talk.page.get_by_role("tab", name="Output").click()
    expect(divider).to_have_attribute("aria-valuenow", "58")
    talk.page.reload()
    talk.page.get_by_role("tab", name="Tutor").click()

    expect(divider).to_have_attribute("aria-valuenow", "32")


def test_a_failure_keeps_the_question_and_one_click_tries_again(talk: Talk, provider: FakeProvider) -> None:
    provider.behaviours.extend([fails(500), fails(500), answers("Now ", "it works.")])
    talk.ask("Are you there?")
    expect(talk.answer).to_contain_text("cannot be reached or does not work")
    expect(talk.panel.locator(".talk-question")).to_contain_text("Are you there?")
    talk.answer.get_by_role("button", name="Try again").click()

    expect(talk.text()).to_have_text("Now it works.")
    expect(talk.panel.locator(".talk-answer")).to_have_count(1)


def test_what_a_model_says_does_no_harm_and_its_code_opens_in_the_editor(
    talk: Talk, provider: FakeProvider, learn: LearnPage
) -> None:
    title = talk.page.title()
    provider.behaviours.append(answers(HOSTILE, CODE))
    talk.ask("Show me")
    expect(talk.text()).to_contain_text("from the tutor")
    assert talk.answer.locator("img, script, [href^='javascript:']").count() == 0
    assert "made:up" not in talk.answer.inner_text()
    assert talk.page.title() == title
    talk.answer.get_by_role("button", name="Open in editor").click()
    assert learn.code().strip() == "print('from the tutor')"

    talk.answer.get_by_role("button", name="What was sent").click()
    expect(talk.answer.locator(".sent-text").last).to_contain_text("<question>\nShow me\n</question>")
    expect(talk.answer.locator(".talk-sent")).to_be_in_viewport(ratio=0.2)


def test_a_picture_goes_with_a_question_and_stays_in_the_conversation(
    talk: Talk, provider: FakeProvider, tmp_path: Path
) -> None:
    for name, colour in (("red.png", "red"), ("blue.png", "blue")):
        Image.new("RGB", (2600, 300), colour).save(tmp_path / name)
    provider.behaviours.append(answers("A blue bar."))
    before = len(provider.requests)
    with talk.page.expect_file_chooser() as chooser:
        talk.panel.get_by_text("Picture", exact=True).click()
    chooser.value.set_files([tmp_path / "red.png", tmp_path / "blue.png"])
    chosen = talk.panel.get_by_role("list", name="Pictures to send")
    expect(chosen.get_by_role("img")).to_have_count(2)
    chosen.get_by_role("button", name="Leave this picture out").first.click()
    expect(chosen.get_by_role("img", name="blue.png")).to_be_visible()
    talk.ask("What is this?")

    expect(talk.text()).to_have_text("A blue bar.")
    expect(chosen).to_be_hidden()
    [sent] = provider.requests[before:]
    parts = sent["messages"][-1]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url"]
    assert parts[1]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    talk.page.reload()
    picture = talk.panel.get_by_role("img", name="The picture you sent")
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [1280, 148]


def test_a_question_is_changed_and_asked_again(talk: Talk, provider: FakeProvider) -> None:
    provider.behaviours.extend([answers("One."), answers("Two.")])
    talk.ask("First")
    expect(talk.text()).to_have_text("One.")
    talk.panel.get_by_role("button", name="Change and ask again").click()
    expect(talk.question).to_have_value("First")
    talk.ask("Second")

    expect(talk.text()).to_have_text("Two.")
    expect(talk.panel.locator(".talk-question")).to_have_count(1)
    expect(talk.panel.locator(".talk-words")).to_have_text("Second")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_in_the_way(visitors: Visitors, provider: FakeProvider, scheme: str) -> None:
    provider.behaviours.clear()
    provider.behaviours.extend([answers(CODE), fails(400, "no")])
    page = visitors.come(color_scheme=scheme)
    sign_up(page)
    LearnPage(page).open()
    talk = Talk(page).open()
    findings = serious(page)
    talk.ask("Code, please")
    expect(talk.text()).to_contain_text("from the tutor")
    talk.answer.get_by_role("button", name="What was sent").click()
    expect(talk.answer.locator(".sent-part").first).to_be_visible()
    talk.ask("And a failure")
    expect(talk.answer.locator(".talk-trouble")).to_be_visible()
    findings += serious(page)
    page.goto("/en/conversations/?q=code")
    expect(page.locator(".talk-entry")).to_have_count(1)
    findings += serious(page)
    page.locator(".talk-link").click()
    expect(page.locator(".talk-text")).to_contain_text("from the tutor")
    findings += serious(page)

    assert findings == []


def test_a_phone_has_a_pane_for_the_tutor(phone: Page, provider: FakeProvider) -> None:
    provider.behaviours.clear()
    phone.goto(f"/en/{LESSON}")
    phone.locator("button[data-pane=tutor]").tap()
    talk = Talk(phone)
    talk.ask("Hello?")

    expect(talk.text()).to_have_text("Hello!")
    expect(phone.locator(".workbench-editor")).to_be_hidden()
    assert phone.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert serious(phone) == []
