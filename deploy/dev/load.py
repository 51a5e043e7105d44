"""Learners who keep running programs on a real site, and who check every answer they get.

Each program prints a token that nobody else has, so a result that reaches the wrong person shows. Nothing
here waits for the platform to be well: who is refused says so and tries again, like a person would.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import re
import secrets
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

PAUSES = (0.05, 0.4, 0.05, 1.5)  # seconds that programs take, in turn
PATIENCE = 180.0  # seconds until a run that has not ended counts as lost; every limit is over by then
_ASK_EVERY = 0.25
UNREACHABLE = (OSError, http.client.HTTPException)


@dataclass
class Account:
    """What became of the runs of some learners."""

    accepted: int = 0
    finished: int = 0
    broken: int = 0  # the learner was told that the platform failed
    refused: int = 0  # not taken, and said so
    unreachable: int = 0  # asked, and got no answer or none in words
    lost: list[str] = field(default_factory=list)
    mixed_up: list[str] = field(default_factory=list)  # somebody else's output, or not one's own
    untrue: list[str] = field(default_factory=list)  # what was shown and what became of it differ
    rude: list[str] = field(default_factory=list)  # answers that are no words for a learner
    waits: list[float] = field(default_factory=list)  # seconds from the click to the end
    places: list[list[int]] = field(default_factory=list)  # in the queue, as each run saw them
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, **counts: int) -> None:
        with self._lock:
            for name, number in counts.items():
                setattr(self, name, getattr(self, name) + number)

    @property
    def longest_wait(self) -> float:
        return max(self.waits, default=0.0)

    @property
    def faultless(self) -> bool:
        """Whether nothing is told of that must never be; broken runs are allowed, told as they are."""
        return not (self.lost or self.mixed_up or self.untrue)


class Answer(Exception):
    """The site answered with an error: its status, and its words if there are any."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


class Learner:
    """A browser that nobody signed in to, in the hands of one who checks."""

    def __init__(self, site: str, name: str, account: Account) -> None:
        self.name = name
        self.account = account
        self._site = site
        # A production's cookies want HTTPS; here is no proxy that speaks it.
        self._cookies = http.cookiejar.CookieJar(
            http.cookiejar.DefaultCookiePolicy(secure_protocols=("http", "https"))
        )
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self._cookies)
        )
        self._number = 0

    def come(self) -> None:
        """Open a page, which brings the cookie that requests are checked by."""
        self.read("/en/accounts/login/", timeout=20)

    def read(self, path: str, *, timeout: float = 60) -> str:
        """A page of the site; raises what urllib raises."""
        with self._opener.open(self._site + path, timeout=timeout) as page:
            words: str = page.read().decode()
            return words

    def ask_tutor(self, question: str, *, lesson: int, conversation: str | None) -> tuple[str, str]:
        """Ask in a conversation, or begin one: its id, and the answer's events' address."""
        asked = self._send(
            "/en/tutor/ask/", {"message": question, "lesson": lesson, "conversation": conversation}
        )
        events_url = re.search(r'data-events-url="([^"]+)"', asked["html"])
        if events_url is None:
            raise Answer(201, "No answer comes to the question.")
        return asked["conversation"]["id"], events_url[1]

    def run_once(self, pause: float | None = None, *, live: bool | None = None) -> bool:
        """Run a program and stay until its end; False when it was not taken.

        Followed by server-sent events (`live`) or by asking; without a choice, in turn.
        """
        self._number += 1
        token = f"{self.name}-{self._number}-{secrets.token_hex(6)}"
        pause = PAUSES[self._number % len(PAUSES)] if pause is None else pause
        begun = time.monotonic()
        run = self._start(f"import time\nprint({token!r}, flush=True)\ntime.sleep({pause})\nprint({token!r})")
        if run is None:
            return False
        places = [run["queue_position"]] if run["queue_position"] else []
        follow = self._watch if (self._number % 2 if live is None else live) else self._ask
        end = follow(run, token, places)
        self._note_end(end, token, run["id"])
        with self.account._lock:
            self.account.places.append(places)
            if end:
                self.account.waits.append(time.monotonic() - begun)
        return True

    def _start(self, code: str) -> Any | None:
        try:
            run = self._send("/en/runs/", {"code": code})
        except Answer as answer:
            if answer.message:
                self.account.add(refused=1)
            else:
                self.account.add(unreachable=1)
                self.account.rude.append(f"{answer.status}")
            return None
        except UNREACHABLE:
            self.account.add(unreachable=1)
            return None
        self.account.add(accepted=1)
        return run

    def _ask(self, run: Any, _token: str, places: list[int]) -> Any | None:
        """The run as it ended; None when it did not."""
        deadline = time.monotonic() + PATIENCE
        now = run
        while now["status"] not in ("finished", "broken"):
            if time.monotonic() > deadline:
                return None
            time.sleep(_ASK_EVERY)
            with suppress(Answer, *UNREACHABLE):
                now = self._send(run["url"])
            _note_place(places, now["queue_position"])
        return now

    def _watch(self, run: Any, token: str, places: list[int]) -> Any | None:
        """The same by the events of the run, as the page hears them."""
        if run["status"] in ("finished", "broken"):
            return run
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            shown = ""
            with suppress(Answer, *UNREACHABLE):
                for kind, data in self.events(run["events_url"]):
                    if kind == "queued":
                        _note_place(places, data["position"])
                    elif kind == "started":
                        shown = ""
                    elif kind == "output":
                        shown += data["text"]
                        if shown.replace(token, "").strip():
                            self.account.mixed_up.append(f"{token} was shown {shown!r}")
                    elif kind in ("finished", "broken"):
                        self._compare(token, shown, data)
                        return data
                    if time.monotonic() > deadline:
                        return None
            time.sleep(_ASK_EVERY)  # cut off: like a browser, connect again
        return None

    def _compare(self, token: str, shown: str, end: Any) -> None:
        """What streamed before the end, if anything, must be how the result begins."""
        if end["status"] == "finished" and not _text(end).startswith(shown):
            self.account.untrue.append(f"{token}: streamed {shown!r}, stored {_text(end)!r}")

    def _note_end(self, end: Any | None, token: str, run_id: str) -> None:
        if end is None:
            self.account.lost.append(f"{token} ({run_id})")
        elif end["status"] == "broken":
            self.account.add(broken=1)
            if end["output"] or end["outcome"]:
                self.account.untrue.append(f"{token}: broken, and yet {end['outcome']} {end['output']}")
        else:
            self.account.add(finished=1)
            expected = f"{token}\n{token}\n"
            if _text(end) != expected and _text(end).replace(token, "").strip():
                self.account.mixed_up.append(f"{token} got {_text(end)!r}")
            elif (end["outcome"], _text(end)) != ("ok", expected):
                self.account.untrue.append(f"{token}: {end['outcome']} with {_text(end)!r}")

    def events(self, path: str) -> Iterator[tuple[str, Any]]:
        """A stream's events, as (kind, data), until the site ends it."""
        with self._opener.open(self._site + path, timeout=30) as stream:
            kind = ""
            for line in stream:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    yield kind, json.loads(value)

    def _send(self, path: str, body: object | None = None) -> Any:
        """The answer's JSON; raises Answer, or what urllib raises."""
        token = next((cookie.value for cookie in self._cookies if cookie.name == "csrftoken"), None)
        headers = {"Content-Type": "application/json", "X-CSRFToken": token or ""}
        data = None if body is None else json.dumps(body).encode()
        try:
            request = urllib.request.Request(self._site + path, data, headers)  # noqa: S310 - our own http
            with self._opener.open(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise Answer(error.code, _words(error.read())) from error


def _words(body: bytes) -> str:
    """The message of an error answer; empty when it is not in the site's form."""
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""


def _text(run: Any) -> str:
    return "".join(text for _, text in run["output"])


def _note_place(places: list[int], place: int | None) -> None:
    if place and (not places or places[-1] != place):
        places.append(place)


@contextmanager
def steady_load(site: str, *, learners: int = 6) -> Iterator[Account]:
    """Learners who run one program after the other through the block, and then wait for their last one."""
    account = Account()
    over = threading.Event()

    def learn(learner: Learner) -> None:
        while not over.is_set():
            if not learner.run_once():
                over.wait(0.3)

    crew = [Learner(site, f"l{number}", account) for number in range(learners)]
    for learner in crew:
        learner.come()
    threads = [threading.Thread(target=learn, args=(learner,), daemon=True) for learner in crew]
    for thread in threads:
        thread.start()
    try:
        yield account
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE + 30)
