"""Providers, prices and budgets as operators write them down."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tutor.configured import Budget, PricedModel, Unreadable, read_budget, read_models, read_provider


def test_known_names_need_a_key_and_models_alone() -> None:
    provider = read_provider("deepseek", {"KEY": "sk-1", "MODELS": "deepseek-chat 0.27/1.10, other"})

    assert (provider.kind, provider.url) == ("openai", "https://api.deepseek.com/v1")
    assert provider.models == (
        PricedModel("deepseek-chat", Decimal("0.27"), Decimal("1.10")),
        PricedModel("other"),
    )
    assert "sk-1" not in repr(provider)


def test_any_service_can_be_named() -> None:
    provider = read_provider("local", {"URL": "http://127.0.0.1:11434/v1", "MODELS": "qwen3"})

    assert (provider.kind, provider.key) == ("openai", "")


@pytest.mark.parametrize(
    "said",
    [
        {"MODELS": "m"},
        {"URL": "127.0.0.1:11434", "MODELS": "m"},
        {"URL": "https://user:pass@host/v1", "MODELS": "m"},
        {"URL": "https://host/v1"},
        {"URL": "https://host/v1", "MODELS": "m 1"},
        {"URL": "https://host/v1", "MODELS": "m x/y"},
        {"URL": "https://host/v1", "MODELS": "m", "KIND": "grpc"},
    ],
)
def test_what_cannot_be_a_provider_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        read_provider("mine", {"KEY": "sk-secret", **said})


def test_a_price_is_per_million_tokens() -> None:
    [model] = read_models("m 0.27/1.10")

    assert model.cost(prompt_tokens=1_000_000, completion_tokens=500_000) == Decimal("0.820000")
    assert PricedModel("free").cost(prompt_tokens=5, completion_tokens=5) is None


def test_budgets_name_what_they_limit() -> None:
    assert read_budget("requests=20 tokens=60000, money=0.50") == Budget(20, 60_000, 500_000)
    assert read_budget("") == Budget()
    for wrong in ("requests", "requests=many", "calls=5", "money=-1", "tokens=nan"):
        with pytest.raises(Unreadable):
            read_budget(wrong)
