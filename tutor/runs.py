"""What this process remembers of runs that call models: enough to keep traces small and scripts in step.

A run is held by one worker process. What is forgotten costs room in the trace, nothing else.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from typing import Any
from uuid import UUID

Json = dict[str, Any]

_RUNS_KEPT = 256
_ROOM = 4_000_000  # characters of messages that a run's trace keeps; scripted calls cost a learner nothing
_STEPS_KEPT = 8  # several agents take turns, each with a conversation of its own


class RunMemory:
    """Of one run. Its calls may come at once, so all of it is behind a lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.scripted_answers = 0
        self._room = _ROOM
        self._played: Counter[tuple[str, int]] = Counter()
        self._conversations: deque[tuple[int, Sequence[Json]]] = deque(maxlen=_STEPS_KEPT)
        self._steps: OrderedDict[int, Json] = OrderedDict()

    def may_play(self, reply: tuple[str, int], times: int | None) -> bool:
        with self.lock:
            return times is None or self._played[reply] < times

    def note_played(self, reply: tuple[str, int], *, is_answer: bool) -> None:
        """An error that a script plays is no answer: the program asks the same again."""
        with self.lock:
            self._played[reply] += 1
            self.scripted_answers += is_answer

    def take_room(self, size: int) -> bool:
        """Whether the trace has room for so many characters more; then they are its."""
        with self.lock:
            if size > self._room:
                return False
            self._room -= size
            return True

    def conversations(self) -> list[tuple[int, Sequence[Json]]]:
        with self.lock:
            return list(self._conversations)

    def note_conversation(self, number: int, messages: Sequence[Json]) -> None:
        with self.lock:
            self._conversations.append((number, messages))

    def step(self, number: int) -> Json | None:
        """The latest JSON of a recent step."""
        with self.lock:
            return self._steps.get(number)

    def recent_steps(self) -> list[Json]:
        with self.lock:
            return list(self._steps.values())

    def note_step(self, step: Json) -> None:
        with self.lock:
            self._steps[step["number"]] = step
            while len(self._steps) > 2 * _STEPS_KEPT:
                self._steps.popitem(last=False)


_memories: OrderedDict[UUID, RunMemory] = OrderedDict()
_lock = threading.Lock()


def memory_of(run_id: UUID | None) -> RunMemory:
    """The memory of a run; one of its own for a call that belongs to none."""
    if run_id is None:
        return RunMemory()
    with _lock:
        memory = _memories.setdefault(run_id, RunMemory())
        _memories.move_to_end(run_id)
        while len(_memories) > _RUNS_KEPT:
            _memories.popitem(last=False)
        return memory


def forget(run_id: UUID | None = None) -> None:
    """Forget a run, or every run."""
    with _lock:
        if run_id is None:
            _memories.clear()
        else:
            _memories.pop(run_id, None)
