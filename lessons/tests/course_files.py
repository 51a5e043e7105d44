"""Small courses on disk, and the import as its users run it."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import PIL.Image
from django.core.management import call_command

from lessons.models import Lesson, LessonText

SIDEBAR = """\
- [Agents](README.md)
- Part One
  - [第一章 起步](ch1/一.md)
"""
CHINESE = """\
# 第一章 起步

为什么要学智能体，先说几句话给读者听。

## 1.1 循环

智能体反复思考与行动，直到问题解决为止。

## 1.2 工具

工具让智能体接触外面的世界。

## 习题

写一个智能体。
"""
ENGLISH = """\
# Chapter 1: First Steps

Why one should learn about agents at all, in a few words.

## 1.1 The Loop

An agent thinks and acts again and again until the problem is solved.

## 1.2 Tools

Tools bring an agent in touch with the world outside.

## Exercises

Write an agent.
"""
README = "# Agents\n\nA course about agents that fit on a page.\n"


@dataclass(frozen=True)
class Printed:
    out: str
    err: str

    @property
    def warnings(self) -> list[str]:
        return [line.removeprefix("warning: ") for line in self.err.splitlines()]

    def counts(self, kind: str) -> dict[str, int]:
        """A row of the closing table, without its zeros."""
        lines = self.out.splitlines()
        [columns] = [line.split() for line in lines if line.split()[:2] == ["created", "updated"]]
        [numbers] = [line.split()[1:] for line in lines if line.startswith(f"{kind} ")]
        return {name: int(number) for name, number in zip(columns, numbers, strict=False) if number != "0"}


def make_course(root: Path, files: dict[str, str | bytes] | None = None) -> Path:
    """A course folder `agents` with these files; by default one chapter in two languages."""
    folder = root / "agents"
    if files is None:
        files = {
            "README.md": README,
            "_sidebar.md": SIDEBAR,
            "_sidebar_en.md": SIDEBAR.replace("第一章 起步", "Chapter 1: First Steps").replace(
                "一.md", "one.md"
            ),
            "ch1/一.md": CHINESE,
            "ch1/one.md": ENGLISH,
        }
    write_files(folder, files)
    return folder


def write_files(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def make_book(root: Path, chapter: str) -> Path:
    """A course of one English chapter file."""
    return make_course(root, {"_sidebar.md": "- [Chapter 1: Book](book.md)\n", "book.md": chapter})


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def import_lessons(folder: Path, **options: Any) -> Printed:
    out, err = StringIO(), StringIO()
    call_command("import_lessons", folder, stdout=out, stderr=err, no_color=True, **options)
    return Printed(out.getvalue(), err.getvalue())


def make_png(width: int = 4, height: int = 3, *, image_format: str = "PNG") -> bytes:
    file = BytesIO()
    PIL.Image.effect_noise((width, height), 50).convert("RGB").save(file, image_format)
    return file.getvalue()


def titles(language: str = "en") -> list[str]:
    """Numbers and titles of what readers see, in reading order."""
    texts = LessonText.objects.filter(language=language, lesson__is_retired=False).select_related(
        "lesson__parent"
    )

    def place(text: LessonText) -> tuple[int, int]:
        lesson = text.lesson
        return (lesson.position, 0) if lesson.parent is None else (lesson.parent.position, lesson.position)

    return [f"{text.lesson.number} {text.title}".strip() for text in sorted(texts, key=place)]


def lesson_titled(title: str) -> Lesson:
    return Lesson.objects.get(texts__title=title)
