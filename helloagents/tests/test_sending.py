"""A task's message that is made here is the one that Celery would make."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from kombu.exceptions import OperationalError
from pytest_django import Settings

from helloagents import celery, sending
from sandbox import hosts

# Told apart by these alone: which call it is, and who waits for an answer, though there is none.
OF_THE_CALL = {"id", "root_id", "correlation_id", "delivery_tag", "reply_to", "origin"}


@celery.app.task(name="tests.of_the_message")
def task(*arguments: Any) -> None: ...


@pytest.fixture
def queue(settings: Settings) -> Iterator[str]:
    name = settings.CELERY_TASK_DEFAULT_QUEUE = "tests-of-the-message"
    yield name
    hosts.client().delete(name)


def message_in(queue: str) -> dict[str, Any]:
    raw: Any = hosts.client().rpop(queue)
    message: dict[str, Any] = json.loads(raw)
    message["body"] = json.loads(base64.b64decode(message["body"]))
    for part in ("headers", "properties"):
        message[part] = {name: value for name, value in message[part].items() if name not in OF_THE_CALL}
    return message


def test_the_message_is_celerys(queue: str) -> None:
    arguments = ("Größe 语言", 7)

    result = task.delay(*arguments)
    ours = message_in(queue)
    task.apply_async(arguments, queue=queue)

    assert ours == message_in(queue)
    assert len(result.id) == 36


def test_a_request_is_named_in_the_message(queue: str) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        task.delay()

    assert message_in(queue)["headers"]["request_id"] == "r-1"


def test_a_broker_that_is_away_is_told_as_celery_tells_it(queue: str, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    sending._client.cache_clear()
    try:
        with pytest.raises(OperationalError):
            task.delay()
    finally:
        sending._client.cache_clear()
