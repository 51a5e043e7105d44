"""The codes of errors in words: for the API's description, and for docs/api-errors.md, which has the same."""

from __future__ import annotations

from progress.answers import STATUS_OF_CODE

# code → what it means, whether the same request may be sent again, how to mend it
_EXPLAINED = {
    "VALIDATION_ERROR": (
        "The body is not the JSON that is wanted or not declared as JSON, or a field or query is wrong.",
        "no",
        "`details.validation_errors` names each field, what is wrong, and its type.",
    ),
    "AUTHENTICATION_ERROR": (
        "Nobody is signed in, or the token is forged, expired, used or revoked, or name and password do "
        "not fit.",
        "after signing in",
        "Get a token at `auth/token`, or new ones at `auth/token/refresh`. `details.code_required`: send the "
        "second factor's `code`.",
    ),
    "AUTHORIZATION_ERROR": (
        "The session's CSRF token is missing, or the site makes no accounts for visitors.",
        "no",
        "Send the cookie `csrftoken` as header `X-CSRFToken`, or use an access token.",
    ),
    "RESOURCE_NOT_FOUND": (
        "There is nothing there, or nothing for this caller: the two look the same.",
        "no",
        "Check the id, and who is signed in.",
    ),
    "METHOD_NOT_ALLOWED": (
        "The address does not know this method.",
        "no",
        "The header `Allow` names those that work.",
    ),
    "CONFLICT": (
        "It does not go with what is there: a name is taken (`details.field`), a program is not running.",
        "after a look",
        "Read the present state and decide anew.",
    ),
    "PAYLOAD_TOO_LARGE": (
        "Code over 100 KB, over 1 MB of input to a run, or a body larger than any that holds permitted code.",
        "no",
        "Send less.",
    ),
    "RATE_LIMIT_EXCEEDED": (
        "Too many requests, or too many programs of one learner at once.",
        "yes, after `Retry-After`",
        "Wait as many seconds as `Retry-After` and `details.retry_after` say.",
    ),
    "SANDBOX_EXECUTION_ERROR": (
        "The platform took the program and could not run it. That says nothing about the program.",
        "yes",
        "Try again; tell the operator if it stays.",
    ),
    "DATABASE_ERROR": (
        "The database did not take part.",
        "yes, soon",
        "Operator: see the log, `/health`.",
    ),
    "CONFIGURATION_ERROR": (
        "The site is not set up for what was asked.",
        "no",
        "Operator: the log names the setting.",
    ),
    "INTERNAL_ERROR": (
        "A fault of the site that nobody foresaw.",
        "once",
        "Tell the operator the `request_id`.",
    ),
    "EXTERNAL_SERVICE_ERROR": (
        "A service that the site asked, such as a model provider, failed.",
        "yes, soon",
        "Operator: see the log, `/health`.",
    ),
    "CONTAINER_POOL_ERROR": (
        "No worker took the program.",
        "yes, after `Retry-After`",
        "Operator: see the sandbox page and `manage.py sandbox_doctor`.",
    ),
    "SERVICE_UNAVAILABLE": (
        "A part of the site does not answer, or very many programs wait.",
        "yes, after `Retry-After` if there is one",
        "Wait; operator: see `/health`.",
    ),
    "TIMEOUT_ERROR": (
        "The program did not get its turn, or a service did not answer, in time.",
        "yes",
        "Start it as a run (`POST /api/v1/runs`) and come back for the result.",
    ),
}

INTRODUCTION = """Lessons, running code, and learners' work.

# Errors

Every error is an object `error` with `code`, `message`, `path`, `timestamp`, `request_id` and `details`.
Decide by `code`; `message` is for people and in the caller's language. `request_id` is also in the header
`X-Request-ID`: tell it to the site's operator. A program of a learner that fails is not an error: the answer
is 200 with `success: false`.
"""


def table() -> str:
    """All codes as a table in Markdown."""
    head = ["| code | status | meaning | again? | how to mend |", "|---|---|---|---|---|"]
    rows = [
        f"| {code} | {status} | {' | '.join(_EXPLAINED[code])} |" for code, status in STATUS_OF_CODE.items()
    ]
    return "\n".join([*head, *rows])
