"""Texts cut into the words that a full-text index keeps, and queries into the words it is asked for.

Chinese has no spaces, so a run of Chinese characters is kept as each of its characters and each pair of
neighbours: every word of two characters is found, without a dictionary that would have to know it. Longer
words are asked for as their pairs. That pairs find as well as a dictionary's words do: Nie, Gao, Zhang, Zhou,
*On the use of words and n-grams for Chinese information retrieval* (2000).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LONGEST_TEXT = 50_000  # characters, so that PostgreSQL takes the worst of them; the rest is not found
LONGEST_WORD = 60  # characters; nobody types more of a word, but texts hold keys and hashes
MOST_TERMS = 24  # of a query: far above what people type, far below what keeps a database busy

_JOINTS = str.maketrans("-_", "  ")  # "tool_call" and "chain-of-thought" are several words
# Han, kana and hangul: scripts whose words have no spaces, or cling to what follows.
_CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_IS_CJK = re.compile(rf"[{_CJK}]")


def plain(text: str) -> str:
    """The text as it is compared: one form of each character, lower case, one space between words."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(_JOINTS).split())


def is_cjk(term: str) -> bool:
    return bool(_IS_CJK.match(term))


def runs(text: str) -> list[str]:
    """Words in letters and runs of Chinese, in order, as they are compared."""
    return _RUN.findall(plain(text[:LONGEST_TEXT]))


def index_text(text: str) -> str:
    """What an index keeps of a text: its words, and the characters and pairs of its Chinese, in order."""
    return " ".join(_kept(text))


def query_terms(text: str) -> list[str]:
    """The words that a query asks for, each once: of Chinese runs the pairs, of a lone character itself."""
    return list(dict.fromkeys(_asked(text)))[:MOST_TERMS]


def _kept(text: str) -> Iterator[str]:
    for run in runs(text):
        if not is_cjk(run):
            yield run[:LONGEST_WORD]
            continue
        for at, character in enumerate(run):
            yield character
            if at + 1 < len(run):
                yield run[at : at + 2]


def _asked(text: str) -> Iterator[str]:
    for run in runs(text):
        if not is_cjk(run):
            yield run[:LONGEST_WORD]
        elif len(run) == 1:
            yield run
        else:
            yield from (run[at : at + 2] for at in range(len(run) - 1))
