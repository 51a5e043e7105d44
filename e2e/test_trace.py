"""A learner watches an agent think: the calls of a run to a model, as they happen and afterwards."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from deploy.dev.services import Site
from e2e.learn_page import COURSE, LESSON, LearnPage
from e2e.test_everybody import serious
from e2e.visitors import Visitors, sign_up

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'

SCRIPT = f"""
[[reply]]
when = {{ contains = ["quickly"] }}
text = 'Final answer: {HOSTILE}'

[[reply]]
when = {{ contains = ["slowly"] }}
text = "At last."
delay = 20

[[reply]]
when = {{ tools = ["weather"], turn = 1 }}
tool_calls = [{{ name = "weather", arguments = {{ city = "Paris" }} }}]

[[reply]]
when = {{ tool = "weather" }}
text = "It is 18 degrees in Paris."

[[reply]]
when = {{ observations = 0 }}
text = "Thought: I cannot know that by myself.\\nAction: Weather[Paris]"

[[reply]]
when = {{ observations = 1, contains = ["Berlin"] }}
text = "Thought: Warm enough.\\nAction: Finish[Berlin has 18 degrees.]"

[[reply]]
when = {{ observations = 1 }}
text = "Thought: Now I know.\\nAction: Finish[It is 18 degrees.]"
"""

CLIENT = """
import json, os, urllib.request

def ask(messages, **more):
    body = json.dumps({"model": os.environ["LLM_MODEL_ID"], "messages": messages, **more}).encode()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        return json.load(answer)["choices"][0]["message"]
"""

AGENT = (
    CLIENT
    + """
prompt = "Think step by step.\\nHow warm is it in %s?\\n"
for step in range(3):
    said = ask([{"role": "user", "content": prompt}])["content"]
    print(said)
    if "Finish[" in said:
        break
    prompt += said + "\\nObservation: 18 degrees\\n"
"""
)

TOOLS = (
    CLIENT
    + """
messages = [{"role": "user", "content": "How warm is it?"}]
tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
message = ask(messages, tools=tools)
result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "18 °C"}
print(ask([*messages, message, result], tools=tools)["content"])
"""
)


@pytest.fixture(scope="module", autouse=True)
def scripted_model(site: Site) -> None:
    """Answers in every lesson of the shipped course."""
    course = COURSE.strip("/").rpartition("/")[2]
    values = {"name": "weather", "text": SCRIPT, "source_path": "weather.model.toml"}
    site.manage(
        "shell",
        "--no-imports",
        "-c",
        "from lessons.models import Course, ModelScript; "
        f"[ModelScript.objects.get_or_create(course=course, **{values!r}) "
        f"for course in Course.objects.filter(slug={course!r})]",
    )


@pytest.fixture
def trace(learn: LearnPage) -> Locator:
    return learn.page.locator("#panel-trace")


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tab", name=name)


def run_agent(learn: LearnPage, place: str = "Paris") -> None:
    learn.run(AGENT % place)
    learn.expect_outcome("Finished")


# --- While it runs --------------------------------------------------------------------------------


def test_the_trace_grows_while_the_agent_thinks(learn: LearnPage, trace: Locator) -> None:
    learn.write(AGENT % "Paris" + "ask([{'role': 'user', 'content': 'Think slowly.'}])")
    learn.editor.press("Control+Enter")

    # A hint, and nothing that takes the learner away from what they do.
    expect(tab(learn.page, "Trace")).to_have_text("Trace 3")
    expect(learn.page.locator("[data-news]")).to_be_visible()
    expect(tab(learn.page, "Output")).to_have_attribute("aria-selected", "true")
    expect(learn.editor).to_be_focused()
    tab(learn.page, "Trace").click()
    expect(learn.page.locator("[data-news]")).to_be_hidden()

    first, second, third = (trace.get_by_role("article").nth(number) for number in range(3))
    expect(first.locator(".said-thought")).to_contain_text("I cannot know that by myself.")
    expect(first.locator(".said-action")).to_contain_text("Weather[Paris]")
    expect(first.locator(".said-observation")).to_contain_text("18 degrees")
    expect(second.locator(".said-finish")).to_contain_text("It is 18 degrees.")
    expect(first.get_by_text("scripted model")).to_be_visible()
    expect(third.locator(".call-running")).to_be_visible()
    expect(trace.locator(".trace-totals")).to_contain_text("3 calls")

    learn.stop_button.click()
    learn.expect_outcome("Stopped")
    expect(third.locator(".call-time")).to_contain_text("stopped")
    expect(learn.page.locator("[data-part=announcement]")).to_have_text("Model call 3 stopped")


def test_words_of_a_script_are_told_as_such_in_the_output_too(learn: LearnPage) -> None:
    run_agent(learn)

    expect(learn.output.locator("[data-part=scripted]")).to_be_visible()
    learn.run("print('no model')")
    learn.expect_outcome("Finished")
    expect(learn.output.locator("[data-part=scripted]")).to_be_hidden()


def test_a_quick_run_has_its_trace_too_and_what_a_model_says_is_text(
    learn: LearnPage, trace: Locator
) -> None:
    title = learn.page.title()
    learn.run(CLIENT + "print(ask([{'role': 'user', 'content': 'Answer quickly.'}])['content'])")
    learn.expect_outcome("Finished")
    tab(learn.page, "Trace").click()

    expect(trace.locator(".said-finish")).to_contain_text(HOSTILE)
    trace.locator(".call-more > summary").click()
    expect(trace.locator(".message-text").first).to_contain_text("Answer quickly.")
    assert trace.locator("img, script").count() == 0
    assert learn.page.title() == title


def test_a_tool_call_stands_with_its_result(learn: LearnPage, trace: Locator) -> None:
    learn.run(TOOLS)
    learn.expect_outcome("Finished")
    tab(learn.page, "Trace").click()

    tool = trace.locator(".said-tool")
    expect(tool).to_have_count(1)
    expect(tool).to_contain_text(re.compile(r"weather.*Paris.*18 °C", re.DOTALL))


# --- Tabs -----------------------------------------------------------------------------------------


def test_the_tabs_are_used_by_keyboard_and_remembered(learn: LearnPage) -> None:
    tab(learn.page, "Output").focus()
    learn.page.keyboard.press("ArrowRight")
    expect(tab(learn.page, "Trace")).to_be_focused()
    expect(tab(learn.page, "Trace")).to_have_attribute("aria-selected", "true")
    expect(learn.page.locator("#panel-trace")).to_be_visible()
    learn.page.reload()

    expect(tab(learn.page, "Trace")).to_have_attribute("aria-selected", "true")


def test_a_run_that_asks_no_model_is_seen_by_its_output(learn: LearnPage) -> None:
    tab(learn.page, "Trace").click()
    learn.run("print('here I am')")
    learn.expect_outcome("Finished")
    expect(learn.transcript).to_be_visible()

    # The next one that does is seen as the learner wants it.
    run_agent(learn)
    expect(learn.page.locator("#panel-trace")).to_be_visible()


def test_a_question_of_the_program_is_seen_whichever_tab_is_open(learn: LearnPage) -> None:
    tab(learn.page, "Trace").click()
    learn.run("input('Your name? ')")

    expect(learn.answer_field).to_be_visible()
    learn.answer("Ada")


# --- Looking closer -------------------------------------------------------------------------------


def test_a_call_opens_to_all_that_was_sent_and_kept(learn: LearnPage, trace: Locator) -> None:
    run_agent(learn)
    tab(learn.page, "Trace").click()
    second = trace.get_by_role("article").nth(1)
    second.locator(".call-more > summary").click()

    # What was sent before is told from what is new.
    expect(second.locator(".message-known")).to_contain_text("How warm is it in Paris?")
    expect(second.locator(".message-text").first).to_contain_text("Observation: 18 degrees")
    second.get_by_text("Raw JSON").click()
    raw = json.loads(second.locator(".raw pre").inner_text())
    assert raw["number"] == 2
    assert raw["scripted"] is True


def test_two_runs_are_compared_and_exported(learn: LearnPage, trace: Locator, tmp_path: Path) -> None:
    run_agent(learn)
    run_agent(learn, "Berlin")
    tab(learn.page, "Trace").click()
    with learn.page.expect_download() as download:
        trace.get_by_role("link", name="Export JSON").click()
    download.value.save_as(tmp_path / "trace.json")
    spans = json.loads((tmp_path / "trace.json").read_text())["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [span["attributes"]["gen_ai.operation.name"] for span in spans] == ["chat", "chat"]

    trace.get_by_role("link", name="Compare with the run before").click()
    page = learn.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Two runs compared")
    expect(page.locator(".diff-add")).to_contain_text("Berlin")
    expect(page.locator(".pair[data-differs]")).to_have_count(2)
    expect(page.locator(".pair").nth(1)).to_contain_text("Berlin has 18 degrees.")


def test_the_history_ticks_two_runs_to_compare(page: Page) -> None:
    sign_up(page)
    learn = LearnPage(page).open()
    for place in ("Paris", "Berlin"):
        run_agent(learn, place)
    page.goto("/en/submissions/")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Compare the two that are ticked").click()

    expect(page.locator(".pair")).to_have_count(2)


# --- For everybody --------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_in_the_way_of_a_trace(visitors: Visitors, scheme: str) -> None:
    page = visitors.come(color_scheme=scheme)
    learn = LearnPage(page).open()
    learn.run(TOOLS)
    learn.expect_outcome("Finished")
    run_agent(learn, "Berlin")
    tab(page, "Trace").click()
    page.locator(".call-more > summary").first.click()
    expect(page.locator(".message-text").first).to_be_visible()
    findings = serious(page)
    compare = page.get_by_role("link", name="Compare with the run before").get_attribute("href")
    page.get_by_role("link", name="On its own page").click()
    expect(page.get_by_role("article")).to_have_count(2)
    findings += serious(page)
    page.goto(compare or "")
    findings += serious(page)

    assert findings == []


def test_on_a_phone_all_of_it_fits(phone: Page) -> None:
    phone.goto(f"/en/{LESSON}")
    phone.locator("button[data-pane=code]").tap()
    learn = LearnPage(phone)
    for place in ("Paris", "Berlin"):
        learn.write(AGENT % place)
        learn.run_button.tap()
        learn.expect_outcome("Finished")
    tab(phone, "Trace").tap()
    expect(phone.locator("#panel-trace").get_by_role("article")).to_have_count(2)
    expect_to_fit(phone)
    phone.get_by_role("link", name="Compare with the run before").tap()
    expect(phone.locator(".pair")).to_have_count(2)

    expect_to_fit(phone)
    assert serious(phone) == []


def expect_to_fit(page: Page) -> None:
    """Nothing has to be scrolled sideways, once the page has taken its shape."""
    page.wait_for_function(
        "() => [document.documentElement, ...document.querySelectorAll('.trace, .trace-scroller')]"
        ".every(box => box.scrollWidth <= box.clientWidth)"
    )
