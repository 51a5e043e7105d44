"""Find stored lessons again in a changed source, so that learners' work stays with them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lessons.importing.similarity import likeness
from lessons.importing.source import Section

S = TypeVar("S")  # what is stored
N = TypeVar("N")  # what the source has now

STRONG_LIKENESS = 0.6


@dataclass(frozen=True)
class Features:
    """What a chapter or lesson is recognised by. Mappings go by language, the course's own first."""

    number: str
    texts: Mapping[str, TextFeatures]


@dataclass(frozen=True)
class TextFeatures:
    title: str
    path: str
    markdown: str


Key = Callable[[Features, str], Hashable]


def features_of(number: str, sections: Mapping[str, Section]) -> Features:
    return Features(
        number,
        {
            language: TextFeatures(section.title, section.path, section.markdown)
            for language, section in sections.items()
        },
    )


CHAPTER_KEYS: tuple[Key, ...] = (
    lambda features, language: (features.texts[language].path, features.texts[language].title),
    lambda features, language: features.texts[language].title,
)
LESSON_KEYS: tuple[Key, ...] = (
    lambda features, language: (features.texts[language].title, features.number),
    lambda features, language: features.texts[language].title,
)


class Matching(Generic[S, N]):
    """Pairs of stored and new, found step by step; every step leaves the earlier pairs alone."""

    def __init__(self, stored: Sequence[tuple[S, Features]], new: Sequence[tuple[N, Features]]) -> None:
        self.stored = list(stored)
        self.new = list(new)
        self.pairs: list[tuple[S, N]] = []

    def by_keys(self, keys: Iterable[Key]) -> None:
        """Same key in some language; the first of several equal ones meets the first."""
        for key in keys:
            for language in self._languages():
                self._pair(lambda features: [key(features, language)] if language in features.texts else [])  # noqa: B023 - used at once

    def by_path(self) -> None:
        self._pair(lambda features: [text.path for text in features.texts.values()])

    def by_number(self) -> None:
        self._pair(lambda features: [features.number] if features.number else [])

    def by_likeness(self) -> None:
        """Most alike first, in any language both have."""
        candidates = [
            (score, -new_index, stored_index)
            for stored_index, (_, old) in enumerate(self.stored)
            for new_index, (_, new) in enumerate(self.new)
            if (score := _likeness(old, new)) >= STRONG_LIKENESS
        ]
        used_stored: set[int] = set()
        used_new: set[int] = set()
        for _, negative_index, stored_index in sorted(candidates, reverse=True):
            if stored_index not in used_stored and -negative_index not in used_new:
                used_stored.add(stored_index)
                used_new.add(-negative_index)
                self.pairs.append((self.stored[stored_index][0], self.new[-negative_index][0]))
        self._drop(used_stored, used_new)

    def _languages(self) -> list[str]:
        return list(dict.fromkeys(language for _, features in self.new for language in features.texts))

    def _pair(self, keys: Callable[[Features], Sequence[Hashable]]) -> None:
        waiting: dict[Hashable, list[int]] = {}
        for index, (_, features) in enumerate(self.stored):
            for key in keys(features):
                waiting.setdefault(key, []).append(index)
        used_stored: set[int] = set()
        used_new: set[int] = set()
        for index, (item, features) in enumerate(self.new):
            options = (
                old for key in keys(features) for old in waiting.get(key, ()) if old not in used_stored
            )
            if (found := next(options, None)) is not None:
                used_stored.add(found)
                used_new.add(index)
                self.pairs.append((self.stored[found][0], item))
        self._drop(used_stored, used_new)

    def _drop(self, used_stored: set[int], used_new: set[int]) -> None:
        self.stored = [item for index, item in enumerate(self.stored) if index not in used_stored]
        self.new = [item for index, item in enumerate(self.new) if index not in used_new]


def _likeness(old: Features, new: Features) -> float:
    shared = old.texts.keys() & new.texts.keys()
    return max((likeness(old.texts[item].markdown, new.texts[item].markdown) for item in shared), default=0.0)
