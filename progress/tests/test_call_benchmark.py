"""The measurement of what a model call costs, itself."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import call_command

from tutor.models import ModelCall

pytestmark = [pytest.mark.bubblewrap, pytest.mark.django_db(transaction=True)]


def test_every_piece_is_timed_both_ways_and_no_row_is_left() -> None:
    printed = StringIO()
    call_command("model_bench", calls=10, think=0, stdout=printed)

    rows = re.findall(r"^(\w+) pieces?, .*?\s+(\d+)\s", printed.getvalue(), re.MULTILINE)
    assert rows == [("first", "10"), ("later", "190")] * 2
    assert "ms more in the median" in printed.getvalue()
    assert not ModelCall.objects.exists()
