"""How providers, prices and budgets are written down, in the environment and in the admin alike.

Pure reading: settings use it before Django is ready.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

from tutor.providers.services import KNOWN, Service

_MODEL = re.compile(r"(?P<name>[^\s,]{1,100})(?:\s+(?P<input>[\d.]+)/(?P<output>[\d.]+))?")
_PRICE_LIMIT = Decimal(10_000)
MEASURES = ("requests", "tokens", "money")
MICRO = 1_000_000


class Unreadable(ValueError):
    """What was written down cannot be used; the message says what would fit, without repeating keys."""


@dataclass(frozen=True)
class PricedModel:
    """A model as its service names it. Prices are per million tokens; None: not known, counted as nothing."""

    name: str
    input_price: Decimal | None = None
    output_price: Decimal | None = None

    def cost(self, *, prompt_tokens: int, completion_tokens: int) -> Decimal | None:
        if self.input_price is None or self.output_price is None:
            return None
        total = self.input_price * prompt_tokens + self.output_price * completion_tokens
        return (total / MICRO).quantize(Decimal("0.000001"))


@dataclass(frozen=True)
class ConfiguredProvider:
    """A provider of the site. The first model is the one that unknown names mean."""

    name: str
    kind: str
    url: str
    key: str
    models: tuple[PricedModel, ...]
    embeddings: tuple[PricedModel, ...] = ()

    def __repr__(self) -> str:  # keys have no business in logs
        return f"ConfiguredProvider({self.name})"


@dataclass(frozen=True)
class Budget:
    """What may be used within a time: requests, tokens, and money in millionths. 0: no limit."""

    requests: int = 0
    tokens: int = 0
    money: int = 0

    @property
    def limits(self) -> tuple[int, int, int]:
        return self.requests, self.tokens, self.money


def read_models(text: str) -> tuple[PricedModel, ...]:
    """Models of "deepseek-chat 0.27/1.10, deepseek-reasoner 0.55/2.19". Raises Unreadable."""
    models = []
    for entry in re.split(r"[,\n]", text):
        if not entry.strip():
            continue
        found = _MODEL.fullmatch(entry.strip())
        if not found:
            raise Unreadable(f"“{entry.strip()[:60]}” is no model with its prices: deepseek-chat 0.27/1.10")
        models.append(PricedModel(found["name"], _price(found["input"]), _price(found["output"])))
    return tuple(models)


def _price(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        price = Decimal(text)
    except InvalidOperation as error:
        raise Unreadable(f"“{text}” is no price") from error
    if price > _PRICE_LIMIT:
        raise Unreadable(f"“{text}” is no price per million tokens")
    return price


def read_provider(name: str, said: Mapping[str, str]) -> ConfiguredProvider:
    """A provider from its KIND, URL, KEY, MODELS and EMBEDDINGS. Raises Unreadable."""
    known = KNOWN.get(name)
    kind = said.get("KIND") or (known.kind if known else "openai")
    url = said.get("URL") or (known.url if known else "")
    if kind not in ("openai", "anthropic"):
        raise Unreadable("KIND is openai or anthropic")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise Unreadable("URL is no address such as https://api.deepseek.com/v1")
    models = _models_of("MODELS", said)
    embeddings = _models_of("EMBEDDINGS", said)
    if not models and not embeddings:
        raise Unreadable("MODELS names no model: deepseek-chat 0.27/1.10")
    return ConfiguredProvider(name, kind, url, said.get("KEY", ""), models, embeddings)


def _models_of(part: str, said: Mapping[str, str]) -> tuple[PricedModel, ...]:
    try:
        return read_models(said.get(part, ""))
    except Unreadable as error:
        raise Unreadable(f"{part} is not understood: {error}") from error


def read_budget(text: str) -> Budget:
    """A budget of "requests=20 money=0.50"; what is not named is not limited. Raises Unreadable."""
    values: dict[str, int] = {}
    for entry in re.split(r"[,\s]+", text.strip()):
        if not entry:
            continue
        name, _, amount = entry.partition("=")
        try:
            value = Decimal(amount)
        except InvalidOperation as error:
            raise Unreadable(f"“{entry}” is no limit such as requests=20") from error
        if name not in MEASURES or not value.is_finite() or value < 0:
            raise Unreadable(f"“{entry}” is no limit of {', '.join(MEASURES)}")
        values[name] = int(value * MICRO) if name == "money" else int(value)
    return Budget(**values)


def read_services(entries: list[str]) -> dict[str, Service]:
    """Services for learners' own keys, from known names and name=https://… . Raises Unreadable."""
    services = {}
    for entry in entries:
        name, _, url = entry.strip().partition("=")
        if not url and name in KNOWN:
            services[name] = KNOWN[name]
        elif not url.startswith("https://") or not urlsplit(url).hostname or urlsplit(url).username:
            raise Unreadable(f"“{name}” needs an address: {name}=https://models.example.org/v1")
        else:
            services[name] = Service(name, name, "openai", url)
    return services
