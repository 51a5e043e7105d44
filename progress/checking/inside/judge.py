"""Runs what authors wrote to judge programs by. No learner's code is here, only data about what it did."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .plain_data import decode

FILE = "evidence.json"
_SAID = 4_000  # characters of what an author says


def judge() -> None:
    """Answer each question of the file with a line of JSON: whether it passed, what there is to say."""
    asked = json.loads(Path(FILE).read_text(encoding="utf-8"))
    for number, question in enumerate(asked["questions"]):
        answer = _search(question) if "pattern" in question else _run(question)
        sys.stdout.write(f"\n{asked['token']} {number} {json.dumps(answer)}\n")
        sys.stdout.flush()


def _search(question: dict[str, Any]) -> dict[str, Any]:
    return {"passed": re.search(question["pattern"], question["text"], re.MULTILINE) is not None}


def _run(question: dict[str, Any]) -> dict[str, Any]:
    result = SimpleNamespace(**question["result"])
    result.values = {expression: decode(value) for expression, value in result.values.items()}
    try:
        exec(compile(question["code"], "check", "exec"), {"__name__": "check", "result": result})  # noqa: S102 - its job
    except AssertionError as error:
        return {"passed": False, "message": str(error)[:_SAID]}
    except Exception as error:  # noqa: BLE001 - the author's mistake, told to the author
        line = sys.exc_info()[2]
        while line is not None and line.tb_next is not None:
            line = line.tb_next
        where = (
            f" in its line {line.tb_lineno}" if line and line.tb_frame.f_code.co_filename == "check" else ""
        )
        return {"passed": False, "broken": f"{type(error).__name__}{where}: {error}"[:_SAID]}
    return {"passed": True}
