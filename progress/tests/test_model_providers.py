"""Programs talk to a provider, all the way: an SDK in the sandbox, worker, gateway, a real HTTP server.

What each part does of it is tested where it belongs; here is what only the whole can show.
"""

from __future__ import annotations

import json
import sqlite3
import textwrap
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from progress.tests.sites import Site, Visitor, eventually, small_site
from tutor.tests.makers import (
    FakeProvider,
    answers,
    breaks_off,
    fails,
    fake_provider,
    hangs,
    says_then_hangs,
)

pytestmark = pytest.mark.bubblewrap

SECRET = "sk-the-real-key-of-the-site"
BUDGET = 20  # requests of one visitor in a day
CLIENT = "import json, openai, os\nclient = openai.OpenAI(max_retries=0)\n"
ASK = "client.chat.completions.create(model='m', messages=[{'role': 'user', 'content': 'hi'}]"


@pytest.fixture(scope="module")
def shared_provider() -> Iterator[FakeProvider]:
    with fake_provider() as provider:
        yield provider


@pytest.fixture
def provider(shared_provider: FakeProvider) -> FakeProvider:
    """Nobody has asked it anything yet."""
    for said in (shared_provider.behaviours, shared_provider.requests, shared_provider.keys):
        said.clear()
    for event in (shared_provider.asked, shared_provider.hung_up):
        event.clear()
    return shared_provider


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, shared_provider: FakeProvider) -> Iterator[Site]:
    variables = {
        "MODEL_PROVIDERS": "fake",
        "MODEL_FAKE_URL": shared_provider.url,
        "MODEL_FAKE_KEY": SECRET,
        "MODEL_FAKE_MODELS": "fake-large 1/2",
        "MODEL_GUESTS_MAY_CALL": "true",
        "MODEL_BUDGET_USER_MINUTE": "",
        "MODEL_BUDGET_USER_DAY": f"requests={BUDGET}",
        "MODEL_BUDGET_SITE_MINUTE": "",
        "MODEL_BUDGET_SITE_DAY": "",
    }
    with small_site(tmp_path_factory.mktemp("site"), **variables) as started, started.worker("only"):
        yield started


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """Somebody new, with a budget of their own."""
    return Visitor(site.url)


class Ran:
    """A program that was run: how it ended, what it printed, and the ledger's rows of it."""

    def __init__(self, site: Site, ended: Any) -> None:
        self.id = ended["id"]
        self.outcome = ended["outcome"]
        self.text = "".join(text for _, text in ended["output"])
        query = (
            "SELECT status, http_status, error_code, prompt_tokens, completion_tokens, cost "
            "FROM tutor_modelcall WHERE run_id = ? ORDER BY number"
        )
        with closing(sqlite3.connect(site.env["DATABASE_URL"].removeprefix("sqlite:///"))) as database:
            self.rows: list[Any] = database.execute(query, (self.id.replace("-", ""),)).fetchall()

    @property
    def statuses(self) -> list[str]:
        return [row[0] for row in self.rows]


def run(site: Site, visitor: Visitor, code: str) -> Ran:
    begun = visitor.run(CLIENT + textwrap.dedent(code))
    return Ran(site, visitor.end_of(begun, seconds=30))


CITIES = ("Paris", "Rome")
LOOK_AT_BOTH = [
    {
        "id": f"call_{city}",
        "type": "function",
        "function": {"name": "look", "arguments": json.dumps({"at": city})},
    }
    for city in CITIES
]


def test_whatever_an_sdk_asks_reaches_the_provider(
    site: Site, visitor: Visitor, provider: FakeProvider
) -> None:
    provider.behaviours += [answers(tool_calls=LOOK_AT_BOTH), answers('{"rain": true}')]
    ran = run(
        site,
        visitor,
        """
        tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
        picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        asked = [{"role": "user", "content": [{"type": "text", "text": "Here?"}, picture]}]
        first = client.chat.completions.create(
            model="m", messages=asked, tools=tools, parallel_tool_calls=True
        ).choices[0].message
        for call in first.tool_calls:
            print(call.function.name, call.function.arguments)
        asked.append(first)
        asked += [{"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in first.tool_calls]
        second = client.chat.completions.create(
            model="m", messages=asked, response_format={"type": "json_object"}, n=2, stop=["END"]
        )
        print(json.loads(second.choices[0].message.content), second.usage.total_tokens)
        """,
    )

    assert ran.text.splitlines() == ['look {"at": "Paris"}', 'look {"at": "Rome"}', "{'rain': True} 150"]
    first, second = provider.requests
    assert first["messages"][0]["content"][1]["image_url"]["url"].endswith("iVBORw0KGgo=")
    assert first["parallel_tool_calls"] is True
    assert (second["response_format"], second["n"], second["stop"]) == ({"type": "json_object"}, 2, ["END"])
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "tool", "tool"]
    assert [row[:2] for row in ran.rows] == [("ok", 200), ("ok", 200)]


def test_anthropics_sdk_reaches_the_same_provider(
    site: Site, visitor: Visitor, provider: FakeProvider
) -> None:
    provider.behaviours += [answers(tool_calls=LOOK_AT_BOTH), answers("Rain ", "in both."), fails(400)]
    ran = run(
        site,
        visitor,
        """
        import anthropic
        client = anthropic.Anthropic(max_retries=0)
        look = {"name": "look", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}}
        asked = [{"role": "user", "content": "Rain?"}]
        options = {"model": "m", "max_tokens": 99, "tools": [look]}
        first = client.messages.create(messages=asked, system="Be brief.", **options)
        for use in first.content:
            print(use.name, use.input)
        results = [{"type": "tool_result", "tool_use_id": use.id, "content": "rain"} for use in first.content]
        asked += [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
        with client.messages.stream(messages=asked, **options) as stream:
            print(list(stream.text_stream), stream.get_final_message().usage.output_tokens)
        try:
            client.messages.create(messages=asked, **options)
        except anthropic.BadRequestError as error:
            print(error.body["error"]["type"])
        """,
    )

    said = [
        "look {'at': 'Paris'}",
        "look {'at': 'Rome'}",
        "['Rain ', 'in both.'] 50",
        "invalid_request_error",
    ]
    assert ran.text.splitlines() == said
    first, second, _ = provider.requests
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "tool", "tool"]
    assert [row[:2] for row in ran.rows] == [("ok", 200), ("ok", 200), ("failed", 400)]


def test_twenty_at_once_and_no_more_than_the_budget(
    site: Site, visitor: Visitor, provider: FakeProvider
) -> None:
    ran = run(
        site,
        visitor,
        f"""
        import asyncio, collections
        async def main():
            ask = openai.AsyncOpenAI(max_retries=0).chat.completions.create
            asked = [{{"role": "user", "content": "hi"}}]
            calls = [ask(model="m", messages=asked) for _ in range({BUDGET})]
            print([answer.choices[0].message.content for answer in await asyncio.gather(*calls)])
        asyncio.run(main())
        """,
    )

    assert ran.text.count("Hello!") == BUDGET
    assert len(provider.requests) == BUDGET
    assert ran.rows == [("ok", 200, "", 100, 50, ran.rows[0][5])] * BUDGET


def test_fifty_at_once_cannot_exceed_the_budget(site: Site, visitor: Visitor, provider: FakeProvider) -> None:
    ran = run(
        site,
        visitor,
        f"""
        from collections import Counter
        from concurrent.futures import ThreadPoolExecutor
        def ask(number):
            try:
                return {ASK}).choices[0].message.content
            except openai.RateLimitError as error:
                return error.code
        with ThreadPoolExecutor(25) as threads:
            print(json.dumps(Counter(threads.map(ask, range(50)))))
        """,
    )

    assert json.loads(ran.text) == {"Hello!": BUDGET, "user_budget_exceeded": 50 - BUDGET}
    assert len(provider.requests) == BUDGET
    assert ran.statuses.count("ok") == BUDGET


def test_a_provider_that_fails_once_is_asked_again_and_paid_once(
    site: Site, visitor: Visitor, provider: FakeProvider
) -> None:
    provider.behaviours += [fails(500), answers("At last"), fails(429, retry_after="0"), answers("Again")]
    ran = run(site, visitor, f"for _ in range(2): print({ASK}).choices[0].message.content)")

    assert ran.text.split("\n")[:2] == ["At last", "Again"]
    assert len(provider.requests) == 4
    assert [row[:5] for row in ran.rows] == [("ok", 200, "", 100, 50)] * 2


def test_failures_are_the_sdks_own_and_name_no_key(
    site: Site, visitor: Visitor, provider: FakeProvider
) -> None:
    told = f"Incorrect API key provided: {SECRET}"
    provider.behaviours += [
        fails(401, told),
        fails(500, told),
        fails(500, told),
        breaks_off("Once ", "upon "),
    ]
    ran = run(
        site,
        visitor,
        f"""
        for _ in range(2):
            try:
                {ASK})
            except openai.APIStatusError as error:
                print(type(error).__name__, error.status_code, error.code, error.response.headers, error)
        try:
            for chunk in {ASK}, stream=True):
                print(chunk.choices[0].delta.content or "", end="")
        except openai.APIError as error:
            print(type(error).__name__, error.code)
        """,
    )

    lines = ran.text.splitlines()
    assert [line.split()[:3] for line in lines[:2]] == [
        ["InternalServerError", "502", "provider_key_refused"],
        ["InternalServerError", "502", "provider_failed"],
    ]
    assert lines[2] == "Once upon APIError provider_broke_off"
    assert SECRET not in ran.text
    assert ran.statuses == ["failed"] * 3


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (
            hangs,
            f"try: client.with_options(timeout=0.5).{ASK.removeprefix('client.')})\n"
            "except openai.APITimeoutError: print('gave up')\n",
        ),
        (
            says_then_hangs("one ", "two "),
            f"with {ASK}, stream=True) as stream:\n"
            "    print(next(c for c in stream if c.choices[0].delta.content).choices[0].delta.content)\n"
            "print('gave up')\n",
        ),
    ],
    ids=["timeout", "hang-up"],
)
def test_who_gives_up_ends_the_providers_work(
    site: Site, visitor: Visitor, provider: FakeProvider, behaviour: Any, code: str
) -> None:
    provider.behaviours.append(behaviour)
    ran = run(site, visitor, code)

    assert ran.text.splitlines()[-1] == "gave up"
    assert provider.hung_up.wait(10)
    assert len(provider.requests) == 1
    assert eventually(lambda: [s for s in Ran(site, ended_of(ran, visitor)).statuses if s != "running"]) == [
        "cancelled"
    ]


def ended_of(ran: Ran, visitor: Visitor) -> Any:
    return visitor.get(f"/en/runs/{ran.id}/")


def test_a_long_prompt_arrives_whole(site: Site, visitor: Visitor, provider: FakeProvider) -> None:
    ran = run(
        site,
        visitor,
        """
        prompt = "long " * 200_000
        asked = [{"role": "user", "content": prompt}]
        print(client.chat.completions.create(model="m", messages=asked).choices[0].message.content)
        """,
    )

    assert ran.text.startswith("Hello!")
    assert len(provider.requests[0]["messages"][0]["content"]) == 1_000_000


def test_no_program_finds_a_key_or_another_way_out(
    site: Site, visitor: Visitor, provider: FakeProvider
) -> None:
    port = provider.url.split(":")[2].split("/")[0]
    ran = run(
        site,
        visitor,
        f"""
        import glob, socket, urllib.request
        print({ASK}).choices[0].message.content)
        print(sorted(os.environ.items()))
        seen = 0
        for path in glob.glob("/proc/[0-9]*/*") + glob.glob("/proc/self/*"):
            try:
                with open(path, "rb") as file:
                    seen += 1
                    if b"sk-the-real" in file.read(1_000_000):
                        print("a key in", path)
            except OSError:
                pass
        print("looked at many" if seen > 20 else "saw nothing")
        for address in (("127.0.0.1", {port}), ("1.1.1.1", 443)):
            try:
                socket.create_connection(address, timeout=1)
                print("reached", address)
            except OSError:
                print("nobody there")
        for path in ("/v1/../en/runs/", "/en/runs/{"0" * 8}/trace/", "/admin/", "/metrics"):
            try:
                urllib.request.urlopen(os.environ["OPENAI_BASE_URL"].removesuffix("/v1") + path)
                print("answered", path)
            except urllib.error.HTTPError as error:
                print(error.code)
        """,
    )

    assert ran.outcome == "ok", ran.text
    assert SECRET not in ran.text
    assert "a key in" not in ran.text
    assert ran.text.splitlines()[2:] == ["looked at many", *["nobody there"] * 2, *["404"] * 4]
    assert provider.keys == [f"Bearer {SECRET}"]


def test_a_trace_is_its_owners_alone(site: Site, visitor: Visitor, provider: FakeProvider) -> None:
    ran = run(site, visitor, f"print({ASK}).choices[0].message.content)")

    assert len(visitor.get(f"/en/runs/{ran.id}/trace/")["steps"]) == 1
    assert "steps" not in Visitor(site.url).get(f"/en/runs/{ran.id}/trace/")
