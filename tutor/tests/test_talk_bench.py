"""The measurement of conversations: small here, so that it stays one that works."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from tutor.models import Conversation


@pytest.mark.parametrize("name", ["conversations", "messages", "rounds"])
def test_nothing_cannot_be_measured(name: str) -> None:
    with pytest.raises(CommandError, match=f"--{name} takes a number above 0"):
        call_command("talk_bench", **{name: 0})


@pytest.mark.django_db
def test_it_measures_and_leaves_nothing_behind() -> None:
    out = io.StringIO()
    call_command("talk_bench", conversations=20, messages=80, rounds=1, json=True, stdout=out)

    figures = json.loads(out.getvalue())["milliseconds"]
    lists = {"count", "list, pinned first", "list by title, a page far back"}
    searches = {"search zebra", "search nearby, model nowhere", "search 规则, model rarely, of a day"}
    assert set(figures) > lists | searches
    assert all(0 < each["quickest"] <= each["median"] for each in figures.values())
    assert not Conversation.all_rows.exists()
