from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tutor import background, budgets, choosing, runs
from tutor.configured import Budget
from tutor.providers.clients import close_all


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Iterator[None]:
    """No provider, no limit, no memory; afterwards no open connection."""
    settings.MODEL_PROVIDERS = []
    settings.MODEL_GUESTS_MAY_CALL = True
    settings.MODEL_RETRIES = 1
    settings.MODEL_SILENCE_SECONDS = 5
    settings.MODEL_BUDGETS = dict.fromkeys(settings.MODEL_BUDGETS, Budget())
    choosing.forget_site_providers()
    runs.forget()
    for key in budgets.client().scan_iter("budget:*"):
        budgets.client().delete(key)
    yield
    background.run(close_all(), seconds=5)
