"""What a model call costs a program here, through sandbox and gateway, beside asking the provider itself.

The same client asks the same server, now from a sandbox and through all of it, now over this machine's own
loopback. Every piece of an answer carries the moment it was sent, so each is timed, not only the first.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from django.test.utils import override_settings

from progress import events
from progress.model_service import PIECES, model_service
from sandbox.control import RunControl
from sandbox.errors import SandboxError
from sandbox.execution import RunRequest, Stream
from sandbox.pool import Pool
from sandbox.supervisor.endpoint import ADDRESS
from tutor import gateway, runs
from tutor.configured import Budget, ConfiguredProvider, PricedModel
from tutor.models import ModelCall

ROUNDS = 5

# Prints [seconds from the question to the first piece, …] and [seconds each later piece was on its way, …].
CLIENT = """
import http.client, json, time
connection = http.client.HTTPConnection("127.0.0.1", {port})
body = json.dumps({{"model": "m", "stream": True, "messages": [{{"role": "user", "content": "x" * 4000}}]}})
firsts, others = [], []
for call in range({calls} + 1):
    begun = time.monotonic()
    connection.request("POST", "/v1/chat/completions", body, {{"content-type": "application/json"}})
    answer = connection.getresponse()
    came = []
    while line := answer.readline():
        now = time.monotonic()
        if line.startswith(b"data: {{"):
            came.append((now, json.loads(line[6:])))
    if call:  # the first one opens the connections
        firsts.append(came[0][0] - begun)
        others += [now - float(piece["choices"][0]["delta"]["content"]) for now, piece in came[1:{pieces}]]
print(json.dumps([firsts, others]))
"""


@dataclass(frozen=True)
class Times:
    """Of the same client, in seconds."""

    first: list[float]  # from a question to the first piece of its answer
    later: list[float]  # that each later piece was on its way


def measure(pool: Pool, calls: int, *, think: float) -> tuple[Times, Times]:
    """Through everything, and directly; in turns, so that both meet the same load. Raises SandboxError.

    `think`: seconds that the server takes before it answers, as models do; meanwhile the gateway writes its
    row. They are in the times of both.
    """
    through, direct = Times([], []), Times([], [])
    no_limits = dict.fromkeys(("USER_MINUTE", "USER_DAY", "SITE_MINUTE", "SITE_DAY"), Budget())
    with (
        model_service(think=think) as port,
        # In this process alone, which serves nobody.
        override_settings(
            MODEL_PROVIDERS=[
                ConfiguredProvider(
                    "bench", "openai", f"http://127.0.0.1:{port}/v1", "", (PricedModel("m"),), ()
                )
            ],
            MODEL_BUDGETS=no_limits,
            MODEL_GUESTS_MAY_CALL=True,
            MODEL_CALLS_PER_RUN=calls + 1,
        ),
    ):
        for _ in range(ROUNDS):
            _add(through, _ask_in(pool, calls // ROUNDS))
            _add(direct, _ask_directly(port, calls // ROUNDS))
    return through, direct


def _ask_in(pool: Pool, calls: int) -> str:
    run_id = uuid4()
    answer = partial(
        gateway.answer,
        caller=gateway.Caller(user_id=None, visitor="bench", run_id=run_id),
        on_step=lambda step: events.publish(run_id, "call", **step),
    )
    request = RunRequest(
        code=CLIENT.format(port=ADDRESS[1], calls=calls, pieces=PIECES), stdin="", timeout=60
    )
    try:
        result = pool.run(request, on_event=lambda _: None, control=RunControl(), answer=answer)
    finally:
        runs.forget(run_id)
        ModelCall.objects.filter(run_id=run_id).delete()
    return result.text(Stream.STDOUT) or result.text(Stream.STDERR)


def _ask_directly(port: int, calls: int) -> str:
    code = CLIENT.format(port=port, calls=calls, pieces=PIECES)
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False
    )
    return done.stdout or done.stderr


def _add(times: Times, said: str) -> None:
    try:
        first, later = json.loads(said)
    except ValueError as error:
        raise SandboxError(f"The client went wrong: {said[-500:]}") from error
    times.first.extend(first)
    times.later.extend(later)


def _configured(port: int) -> ConfiguredProvider:
    return ConfiguredProvider("bench", "openai", f"http://127.0.0.1:{port}/v1", "", (PricedModel("m"),), ())
