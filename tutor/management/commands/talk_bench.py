"""Measure lists and searches of a learner who has talked with the tutor for years. Nothing stays."""

from __future__ import annotations

import json
import random
import re
import statistics
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any, get_args

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone

from lessons.search.tokens import index_text
from tutor import searching
from tutor.models import Conversation, Message
from tutor.models.talks import ConversationQuerySet, SortedBy

_WORDS = re.findall(
    r"\w+",
    """agent loop tool model prompt memory thought action observation plan token context python function list
    dictionary string error retry search 智能体 循环 工具 模型 提示词 记忆 思考 行动 观察 计划 上下文 函数
    列表 字典 错误 重试 搜索""",
)
_RARE = "沙盒 zebra"
_TITLED = "笔记 notebook"  # in one title of a hundred, in no message
# In no title, but in one message of so many.
_UNTITLED = {1: "安全 nearby", 10: "注意 attention", 30: "规则 guardrail"}
_EVERYWHERE, _RARELY, _NOWHERE = "deepseek-chat", "moonshot-v1", "gpt-4o"
_RARELY_OF = 200  # answers, of which one is by the model that answered rarely

# What is asked for, with each filter and all limits of dates. Beginnings of words are what is found while
# somebody types; "nowhere" is in no text.
_QUERIES = (
    *("智能", "沙盒", "zebra", "笔记", "notebook", "安全", "nearby", "注意", "attention"),
    *("规则", "guardrail", "nowhere", "a", "near"),
    *("agent loop", "思考 行动", "nearby 规则", "nearby zebra", "循环 nowhere"),
)
_MODELS = {"": "", "everywhere": _EVERYWHERE, "rarely": _RARELY, "nowhere": _NOWHERE}
_DAYS = {  # ago: since, until
    "": (None, None),
    "of late": (3, None),
    "of earlier": (None, 10),
    "of a day": (11, 10),
    "of the first days": (None, 22),
    "of a day before all": (500, 499),
}


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--conversations", type=int, default=5_000)
        parser.add_argument("--messages", type=int, default=100_000, help="In all of them together.")
        parser.add_argument("--rounds", type=int, default=15)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("conversations", "messages", "rounds"):
            if options[name] < 1:
                raise CommandError(f"--{name} takes a number above 0.")
        with transaction.atomic():
            user = get_user_model().objects.create(username="talk-bench", email="talk-bench@example.org")
            _make(user, options["conversations"], options["messages"])
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
            figures = {name: _measure(act, options["rounds"]) for name, act in _actions(user)}
            transaction.set_rollback(True)
        if options["json"]:
            self.stdout.write(json.dumps({"database": connection.vendor, "milliseconds": figures}))
            return
        self.stdout.write(f"{connection.vendor}, median and quickest of {options['rounds']}:")
        for name, took in figures.items():
            self.stdout.write(f"  {name:56} {took['median']:7.1f} ms {took['quickest']:7.1f} ms")
        slowest = max(figures, key=lambda name: figures[name]["median"])
        self.stdout.write(f"slowest: {slowest}, {figures[slowest]['median']} ms")


def _make(user: Any, conversations: int, messages: int) -> None:
    chance, now, each = random.Random(1), timezone.now(), messages // conversations  # noqa: S311 - no secret
    talks = Conversation.objects.bulk_create(
        (
            Conversation(
                user=user,
                title=" ".join([*chance.choices(_WORDS, k=5), *([] if number % 100 else [_TITLED])]),
                is_pinned=number % 500 == 0,
                created_at=now - timedelta(minutes=(begun := 7 * (conversations - number))),
                updated_at=now - timedelta(minutes=chance.randrange(begun)),
            )
            for number in range(conversations)
        ),
        batch_size=1000,
    )
    batch: list[Message] = []
    for number, talk in enumerate(talks):
        for turn in range(each):
            text = " ".join(chance.choices(_WORDS, k=40))
            if number % 1000 == 7 and turn == 0:
                text += f" {_RARE}"
            text += "".join(f" {words}" for often, words in _UNTITLED.items() if not chance.randrange(often))
            role = Message.Role.ASSISTANT if turn % 2 else Message.Role.USER
            model = (_EVERYWHERE if chance.randrange(_RARELY_OF) else _RARELY) if turn % 2 else ""
            message = Message(conversation=talk, role=role, content=text, words=index_text(text), model=model)
            message.created_at = talk.created_at
            batch.append(message)
        if len(batch) >= 2000:
            Message.objects.bulk_create(batch)
            batch = []
    Message.objects.bulk_create(batch)


def _first_page(own: ConversationQuerySet, field: SortedBy) -> list[Conversation]:
    return list(own.sorted_by(field, descending=True).page(0, 20).counted())


def _actions(user: Any) -> Iterator[tuple[str, Callable[[], object]]]:
    own = Conversation.objects.visible_to(user=user)
    yield "list, pinned first", lambda: list(own.pinned_first().titled("en")[:25])
    for field in get_args(SortedBy):
        yield f"list by {field}, with counts", partial(_first_page, own, field)
    yield (
        "list by title, a page far back",
        lambda: list(own.sorted_by("title", descending=False).page(4000, 4020).counted()),
    )
    yield "count", own.count
    yield "one conversation", lambda: list(own.all()[0].messages.standing().for_thread())
    for query, (by, model), (of, days) in product(_QUERIES, _MODELS.items(), _DAYS.items()):
        name = ", ".join(filter(None, (f"search {query}", by and f"model {by}", of)))
        since, until = (None if ago is None else timezone.now() - timedelta(days=ago) for ago in days)
        yield name, partial(searching.search, own, query, model=model, since=since, until=until)


def _measure(act: Callable[[], object], rounds: int) -> dict[str, float]:
    times = []
    act()
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        times.append(1000 * (time.perf_counter() - began))
    return {"median": round(statistics.median(times), 1), "quickest": round(min(times), 1)}
