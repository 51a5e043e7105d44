"""A learner writes a program, runs it, and sees what it does and how it ends."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Route, expect

from e2e.learn_page import LearnPage

COUNT_FOREVER = "print('started')\nwhile True:\n    pass\n"
# What the editor shows it puts into its place a moment later.
IS_BELOW = """([lower, upper]) => {
    const [below, above] = [lower, upper].map(each => document.querySelector(each).getBoundingClientRect());
    return below.top >= above.bottom - 1;
}"""


# --- Starting -------------------------------------------------------------------------------------


def test_the_button_runs_what_is_in_the_editor(learn: LearnPage) -> None:
    learn.run("print('by button')")

    learn.expect_outcome("Finished")
    learn.expect_output("by button\n")


@pytest.mark.parametrize("key", ["Control+Enter", "Meta+Enter"])
def test_a_key_runs_it_from_within_the_editor(learn: LearnPage, key: str) -> None:
    learn.write("print('by key')")
    learn.editor.press(key)

    learn.expect_outcome("Finished")
    learn.expect_output("by key\n")
    assert learn.code() == "print('by key')"


def test_every_run_starts_afresh(learn: LearnPage) -> None:
    learn.run("kept = 1\nprint('first')")
    learn.expect_output("first\n")
    learn.run("print('kept' in globals())")

    learn.expect_output("False\n")


def test_a_program_that_says_nothing_is_told_from_one_that_did_not_run(learn: LearnPage) -> None:
    learn.run("silence = True")

    learn.expect_outcome("Finished")
    expect(learn.advice).to_have_text("Your program printed nothing.")


# --- What it prints -------------------------------------------------------------------------------


def test_output_appears_while_the_program_runs(learn: LearnPage) -> None:
    learn.run(COUNT_FOREVER)

    learn.expect_output("started\n")
    expect(learn.outcome).to_have_text("Running")
    learn.stop_button.click()


def test_output_and_errors_come_in_the_order_they_were_printed(learn: LearnPage) -> None:
    learn.run(
        "import sys\n"
        "for number in range(50):\n"
        "    print('out', number)\n"
        "    print('err', number, file=sys.stderr)\n"
    )

    learn.expect_outcome("Finished")
    learn.expect_output("".join(f"out {number}\nerr {number}\n" for number in range(50)))


def test_every_script_and_emoji_arrives(learn: LearnPage) -> None:
    text = "你好，智能体 · Grüße · مرحبا · 🤖👩‍🔬 · e\u0301"
    learn.run(f"print({text!r})\nprint('<b>not bold</b> &amp;')")

    learn.expect_output(f"{text}\n<b>not bold</b> &amp;\n")


def test_colours_of_a_terminal_are_colours(learn: LearnPage) -> None:
    learn.run(r"print('\033[31mred\033[0m and plain')")

    learn.expect_output("red and plain\n")
    red, plain = (
        learn.transcript.get_by_text(text, exact=True).evaluate("element => getComputedStyle(element).color")
        for text in ("red", "and plain")
    )
    assert red != plain


def test_ten_megabytes_are_cut_and_the_page_stays_usable(learn: LearnPage) -> None:
    learn.run("for number in range(10 * 1024):\n    print('x' * 1023)")

    learn.expect_outcome("Too much output")
    expect(learn.output.get_by_text("There was more output. Only the beginning is kept.")).to_be_visible()
    expect(learn.transcript).to_contain_text("xxxx")
    learn.write("x=" * 3000 + "1")  # a line of many pieces, each of which has a colour
    learn.editor.press("Control+a")
    learn.page.keyboard.type("print('and on it goes')")
    learn.run_button.click()
    learn.expect_output("and on it goes\n")


# --- How it ends ----------------------------------------------------------------------------------


def test_a_traceback_leads_to_the_line_that_failed(learn: LearnPage) -> None:
    learn.run("def half(number):\n    return number / 0\n\n\nprint(half(4))\n")

    learn.expect_outcome("ZeroDivisionError: division by zero")
    expect(learn.advice).to_contain_text("line 2")
    learn.transcript.get_by_role("button", name='File "main.py", line 5').click()
    assert learn.cursor_line() == "print(half(4))"
    learn.transcript.get_by_role("button", name='File "main.py", line 2').click()
    assert learn.cursor_line() == "    return number / 0"
    expect(learn.editor).to_be_focused()


def test_the_failed_line_is_marked_until_it_is_changed(learn: LearnPage) -> None:
    learn.run("print('fine')\nprint(missing)\n")

    learn.output.get_by_role("button", name="Go to line 2").click()
    assert learn.cursor_line() == "print(missing)"
    expect(learn.page.locator(".cm-failed-line")).to_have_text("print(missing)")
    learn.page.keyboard.press("End")
    learn.page.keyboard.type("  # mended")
    expect(learn.page.locator(".cm-failed-line")).to_have_count(0)


def test_a_key_tells_what_is_wrong_below_the_line(learn: LearnPage) -> None:
    told = learn.page.locator(".cm-tooltip-lint")
    learn.run("print(missing)\n")
    learn.expect_outcome(re.compile("NameError"))

    learn.editor.press("F8")
    expect(told).to_contain_text("NameError")
    learn.page.wait_for_function(IS_BELOW, arg=[".cm-tooltip-lint", ".cm-failed-line"])
    learn.editor.press("Escape")
    expect(told).to_have_count(0)
    learn.editor.press("F8")
    expect(told).to_be_visible()
    learn.editor.press("Alt+Enter")  # the hint says more
    expect(told).to_have_count(0)
    learn.editor.press("F8")
    expect(told).to_be_visible()
    learn.run_button.focus()
    expect(told).to_have_count(0)


def test_a_mistake_in_the_grammar_is_found_too(learn: LearnPage) -> None:
    learn.run("print('never said')\nif True print('no colon')\n")

    learn.expect_outcome(re.compile("SyntaxError"))
    learn.output.get_by_role("button", name="Go to line 2").click()
    assert learn.cursor_line() == "if True print('no colon')"


def test_an_exit_code_is_shown(learn: LearnPage) -> None:
    learn.run("import sys\nsys.exit(3)")

    learn.expect_outcome("Ended with exit code 3")


def test_stop_ends_a_program_that_never_would(learn: LearnPage) -> None:
    learn.run(COUNT_FOREVER)
    learn.expect_output("started\n")
    learn.stop_button.click()

    learn.expect_outcome("Stopped")
    learn.expect_output("started\n")
    expect(learn.advice).to_have_text("What was printed so far is kept.")


def test_a_key_stops_it_too(learn: LearnPage) -> None:
    learn.run(COUNT_FOREVER)
    learn.expect_output("started\n")
    learn.page.keyboard.press("Control+.")

    learn.expect_outcome("Stopped")


def test_left_alone_it_ends_by_the_time_limit(learn: LearnPage) -> None:
    limit_runs(learn, seconds=1)
    learn.run(COUNT_FOREVER)

    learn.expect_outcome("Stopped after 1 seconds")
    learn.expect_output("started\n")
    expect(learn.advice).to_contain_text("a loop that never ends")


def test_a_program_that_wants_all_memory_is_ended(learn: LearnPage) -> None:
    learn.run("print('hungry')\nhoard = []\nwhile True:\n    hoard.append(bytearray(10_000_000))\n")

    learn.expect_outcome("Out of memory")
    expect(learn.transcript).to_contain_text("hungry")


def test_a_new_run_takes_the_place_of_the_one_before(learn: LearnPage) -> None:
    learn.run(COUNT_FOREVER)
    learn.expect_output("started\n")
    learn.run("print('second')")

    learn.expect_outcome("Finished")
    learn.expect_output("second\n")


def test_a_run_that_is_refused_for_a_while_says_when_to_try_again(learn: LearnPage) -> None:
    words = "That is too much at once. Try again in 6 seconds."
    refusal = {"error": {"code": "RATE_LIMIT_EXCEEDED", "message": words}}

    def refuse(route: Route) -> None:
        route.fulfill(status=429, json=refusal, headers={"Retry-After": "6"})

    learn.page.route("**/runs/", refuse, times=1)
    learn.run("print('at last')")

    expect(learn.outcome).to_contain_text(re.compile("Try again in [1-6] seconds"))
    expect(learn.retry_button).to_be_disabled()
    expect(learn.outcome).to_contain_text(re.compile("Try again in [0-4] seconds"))
    learn.retry_button.click()
    learn.expect_output("at last\n")


def test_a_reload_takes_up_the_run_again(learn: LearnPage) -> None:
    learn.run(COUNT_FOREVER)
    learn.expect_output("started\n")
    learn.page.reload()

    learn.expect_output("started\n")
    learn.stop_button.click()
    learn.expect_outcome("Stopped")


# --- Asking ---------------------------------------------------------------------------------------


def test_a_program_asks_twice_and_hears_both_answers(learn: LearnPage) -> None:
    learn.run("name = input('Your name? ')\nage = int(input('Your age? '))\nprint(name, 'will be', age + 1)")
    learn.answer("Ada 阿达")
    expect(learn.transcript).to_contain_text("Your age?")
    learn.answer("36")

    learn.expect_outcome("Finished")
    learn.expect_output("Your name? Ada 阿达\nYour age? 36\nAda 阿达 will be 37\n")


def test_the_end_of_input_is_an_answer_too(learn: LearnPage) -> None:
    learn.run("import sys\nprint(len(sys.stdin.readlines()), 'lines')")
    learn.answer("one")
    learn.page.get_by_role("button", name="End of input").click()

    learn.expect_outcome("Finished")
    expect(learn.transcript).to_contain_text("1 lines")


def test_stop_ends_a_program_that_waits_for_an_answer(learn: LearnPage) -> None:
    learn.run("input('Anybody there? ')")
    expect(learn.answer_field).to_be_visible()
    learn.stop_button.click()

    learn.expect_outcome("Stopped")
    expect(learn.answer_field).to_be_hidden()


def limit_runs(learn: LearnPage, *, seconds: int) -> None:
    """Give the page's runs less time than it asks for."""

    def shorten(route: Route) -> None:
        body = {**(route.request.post_data_json or {}), "timeout": seconds}
        route.continue_(post_data=json.dumps(body))

    learn.page.route("**/runs/", shorten)
