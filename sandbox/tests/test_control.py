"""What is kept of the input to one run."""

from __future__ import annotations

from sandbox.control import MOST_INPUT, RunControl, Wishes


def test_a_run_takes_so_much_input_and_then_no_other() -> None:
    control = RunControl()

    assert control.send_input("x" * (MOST_INPUT - 10))
    assert control.send_input("€")
    assert not control.send_input("x" * 8)
    assert not control.send_input("x")  # it would come after a gap

    assert control.take().input == b"x" * (MOST_INPUT - 10) + "€".encode()


def test_input_counts_also_after_it_was_handed_out() -> None:
    control = RunControl()
    control.send_input("x" * MOST_INPUT)
    control.take()

    assert not control.send_input("x")


def test_input_and_its_end_are_handed_out_once() -> None:
    control = RunControl()
    control.send_input("text")
    control.close_input()

    assert control.take() == Wishes(input=b"text", end_of_input=True)
    assert control.take() == Wishes(input=b"", end_of_input=False)
