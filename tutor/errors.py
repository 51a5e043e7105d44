"""Refusals in the words of the OpenAI protocol, which SDKs raise as exceptions. All texts are here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tutor.providers.interface import Fault, ProviderError

SHORT_WAIT = 5.0  # seconds; an SDK that waits longer by itself would look as if the program hung


class Refusal(Exception):
    """What a program gets instead of an answer. `error.type` tells kinds apart, `error.code` causes."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.kind = kind
        self.param = param
        self.retry_after = retry_after

    @property
    def body(self) -> dict[str, Any]:
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error}

    @property
    def headers(self) -> Mapping[str, str]:
        """SDKs retry 429 and 5xx by themselves, unless told not to; the gateway has done so already."""
        is_soon = self.retry_after is not None and self.retry_after <= SHORT_WAIT
        headers = {"x-should-retry": "true" if is_soon else "false"}
        if self.retry_after is not None:
            headers["retry-after"] = str(math.ceil(self.retry_after))
        return headers


def bad_request(message: str, *, param: str | None = None, code: str = "invalid_request") -> Refusal:
    return Refusal(400, code, message, param=param)


def no_such_path(path: str) -> Refusal:
    offered = "/v1/chat/completions, /v1/messages, /v1/embeddings, /v1/models"
    message = _("There is no %(path)s here, only %(offered)s.") % {"path": path[:100], "offered": offered}
    return Refusal(404, "unknown_url", message)


def wrong_method(method: str, path: str) -> Refusal:
    message = _("%(path)s does not take %(method)s.") % {"path": path[:100], "method": method[:20]}
    return Refusal(405, "method_not_allowed", message)


def no_such_model(name: str) -> Refusal:
    return Refusal(404, "model_not_found", _("There is no model “%(name)s” here.") % {"name": name[:100]})


# --- Nobody to answer -----------------------------------------------------------------------------


def not_configured(*, is_guest: bool, for_embeddings: bool = False) -> Refusal:
    where = (
        _("Sign in and store a key of your own (Account → Model key), or ask whoever runs this site.")
        if is_guest
        else _("Store a key of your own (Account → Model key), or ask whoever runs this site.")
    )
    what = (
        _("No model for embeddings is set up here.")
        if for_embeddings
        else _("No language model answers here: the site has none for you, and this lesson no scripted one.")
    )
    return Refusal(503, "model_not_configured", f"{what} {where}", kind="configuration_error")


def script_has_no_reply(name: str, *, is_guest: bool) -> Refusal:
    what = _(
        "This lesson's model is scripted (“%(name)s”) and has no reply to this: it answers what the lesson's "
        "own examples ask."
    ) % {"name": name}
    where = (
        _("To talk to a real model, sign in and store a key of your own (Account → Model key).")
        if is_guest
        else _("To talk to a real model, store a key of your own (Account → Model key).")
    )
    return Refusal(422, "script_has_no_reply", f"{what} {where}", kind="scripted_model_error")


# --- Budgets --------------------------------------------------------------------------------------


def over_budget(*, scope: str, window: str, measure: str, wait: float) -> Refusal:
    """`scope` user or site, `window` minute or day, `measure` requests, tokens or money."""
    of_whom = {
        ("user", "minute"): _("Your share of this minute is used up (%(measure)s)."),
        ("user", "day"): _("Your share of today is used up (%(measure)s)."),
        ("site", "minute"): _("Too much is asked of this site's models this minute (%(measure)s)."),
        ("site", "day"): _("This site's models have given all they may today (%(measure)s)."),
    }[scope, window]
    names = {"requests": _("calls"), "tokens": _("tokens"), "money": _("money")}
    what = of_whom % {"measure": names[measure]}
    when = (
        ngettext("Try again in %(n)d second.", "Try again in %(n)d seconds.", math.ceil(wait))
        % {"n": math.ceil(wait)}
        if window == "minute"
        else _("Try again tomorrow, or store a key of your own (Account → Model key).")
    )
    code = f"{scope}_budget_exceeded"
    return Refusal(429, code, f"{what} {when}", kind="rate_limit_error", retry_after=wait)


def too_many_calls(limit: int) -> Refusal:
    message = _(
        "This run has called a model %(limit)d times, which is the limit. Is there a loop without end?"
    )
    return Refusal(429, "run_call_limit", message % {"limit": limit}, kind="rate_limit_error")


def budget_unknown() -> Refusal:
    message = _(
        "How much of the budget is left cannot be told just now, so no model is asked. Try again soon."
    )
    return Refusal(503, "budget_unavailable", message, kind="service_unavailable_error")


def ledger_unavailable() -> Refusal:
    message = _("The call cannot be recorded just now, so no model is asked. Try again soon.")
    return Refusal(503, "ledger_unavailable", message, kind="service_unavailable_error")


# --- Providers ------------------------------------------------------------------------------------


def is_the_providers(code: str) -> bool:
    """Whether an error's code says that the provider does not work, rather than that it was asked amiss."""
    return code.startswith("provider_") and code not in ("provider_rejected_request", "provider_key_refused")


def of_provider(error: ProviderError, *, own_key: bool) -> Refusal:
    """What the program hears of a provider's failure. Details of the site's own are for its operators."""
    match error.fault:
        case Fault.BAD_REQUEST:
            return Refusal(error.status or 400, "provider_rejected_request", str(error))
        case Fault.KEY_REFUSED if own_key:
            message = _("The service refused your key. Store a valid one under Account → Model key.")
            return Refusal(401, "provider_key_refused", message, kind="authentication_error")
        case Fault.NO_SUCH_MODEL if own_key:
            message = _("The service has no such model. Name another one under Account → Model key.")
            return Refusal(404, "model_not_found", message)
        case Fault.RATE_LIMITED:
            code, kind = "provider_rate_limited", "rate_limit_error"
            return Refusal(429, code, _provider_failed(code), kind=kind, retry_after=error.retry_after)
        case Fault.TIMEOUT:
            status, code = 504, "provider_timeout"
        case Fault.BROKEN:
            status, code = 502, "provider_broke_off"
        case _:
            status, code = 502, f"provider_{error.fault}"
    return Refusal(status, code, _provider_failed(code), kind="provider_error")


def shown(code: str, message: str, *, own_key: bool) -> str:
    """What a trace shows of a failure; the ledger holds, for operators, what a provider really said."""
    is_for_operators = code.startswith("provider_") and code != "provider_rejected_request" and not own_key
    return _provider_failed(code) if is_for_operators else message


def _provider_failed(code: str) -> str:
    match code:
        case "provider_rate_limited":
            return _("The model's provider has too many requests. Try again in a moment.")
        case "provider_timeout":
            return _("The model did not answer in time. Try again, or ask for less.")
        case "provider_broke_off":
            return _("The model's answer broke off. What had come is above; try again.")
        case _:
            return _("The model cannot be reached or does not work just now. Try again later.")
