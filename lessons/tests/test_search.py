"""Search in lessons, over courses imported from files."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from lessons.models import Course, Lesson, LessonText, Section
from lessons.rendering import render
from lessons.search import find_sections, reindex, search, section_id, sections_named
from lessons.search.splitting import split
from lessons.search.tokens import index_text, query_terms
from lessons.tests.course_files import edit, import_lessons, make_book, make_course

pytestmark = pytest.mark.django_db

BOOK = """\
# Chapter 1: Book

Before the first section.

## 1.1 Tools

A tool is what an agent calls. Its name is `tool_call`.

### Calling a tool

Every tool call has a name and arguments. <script>alert(1)</script>

```python
# Not a heading
answer = ask("weather & wind")
```

### Calling a tool

Another section with the same heading.

## 1.2 Memory

What an agent remembers of its tool calls, of café visits and of 2024.
"""


class Nowhere:
    """A resolver for texts whose links do not matter."""

    def link(self, href: str) -> None:
        return None

    def image(self, src: str) -> None:
        return None


def headings(query: str, language: str = "en", **narrower: Any) -> list[str]:
    return [hit.heading for hit in find_sections(query, language=language, **narrower)]


def test_tokens() -> None:
    assert index_text("The ReAct 智能体, tool_call") == "the react 智 智能 能 能体 体 tool call"
    assert query_terms("智能体 Tool tool") == ["智能", "能体", "tool"]
    assert query_terms("智") == ["智"]
    assert query_terms(" … ") == []


def test_sections_have_the_anchors_of_the_page(tmp_path: Path) -> None:
    import_lessons(make_book(tmp_path, BOOK))

    for text in LessonText.objects.all():
        page = render(text.markdown, resolver=Nowhere(), language="en")
        assert [piece.anchor for piece in split(text.markdown)] == [
            "",
            *(heading.anchor for heading in page.headings),
        ]
    assert list(Section.objects.filter(text__lesson__number="1.1").values_list("anchor", flat=True)) == [
        "",
        "calling-a-tool",
        "calling-a-tool-2",
    ]


def test_what_is_found_and_in_which_order(tmp_path: Path) -> None:
    import_lessons(make_book(tmp_path, BOOK))

    # A heading before a text, all words before some of them, the beginning of a word is enough.
    assert headings("memory") == ["Memory"]
    assert headings("calling tool")[:2] == ["Calling a tool", "Calling a tool"]
    assert headings("tool call")[0] == "Calling a tool"
    assert headings("agent rem") == ["Memory", "Tools"]
    assert headings("CAFÉ") == ["Memory"]
    assert headings("How do I use weather and wind?") == ["Calling a tool"]
    assert headings("1.2")[0] == "Memory"
    assert headings("nowhere") == []
    everything = search("agent", language="en", first=1, limit=1)
    assert (everything.total, len(everything.hits)) == (2, 1)


def test_chinese_and_languages(tmp_path: Path) -> None:
    import_lessons(make_course(tmp_path))

    assert headings("循环", "zh-hans") == ["循环"]
    assert headings("思考", "zh-hans") == ["循环"]
    assert headings("智", "zh-hans")[:2] == headings("智能", "zh-hans")[:2]
    [tools, *_] = find_sections("工具", language="en")
    assert (tools.language, tools.url) == ("zh-hans", "/zh-hans/courses/agents/first-steps/tools/")
    both = [hit.language for hit in find_sections("1.2", language="zh-hans") if hit.has_all_words]
    assert both == ["zh-hans", "en"]
    assert {hit.language for hit in search("1.2", language="zh-hans", only_language="en").hits} == {"en"}


def test_a_hit_leads_to_its_heading_and_shows_why_it_was_found(tmp_path: Path) -> None:
    import_lessons(make_book(tmp_path, BOOK))

    hit = find_sections("weather wind", language="en")[0]

    assert hit.url == "/en/courses/agents/book/tools/#calling-a-tool"
    assert hit.section_id == "agents:1.1#calling-a-tool"
    assert (hit.title, hit.lesson.number) == ("Tools", "1.1")
    assert "<mark>weather</mark> &amp; <mark>wind</mark>" in hit.snippet_html
    assert "<script" not in hit.snippet_html


def test_the_text_shown_is_without_the_marks_of_callouts(tmp_path: Path) -> None:
    quoted = "> [!TIP]\n> Traces tell why.\n\n> [!NOTE]- Mind the [gap](x.md)\n> Not [!so] here.\n"
    import_lessons(make_book(tmp_path, f"# Chapter 1: Book\n\n{quoted}"))

    [hit] = find_sections("traces", language="en")

    assert hit.snippet_html == "<mark>Traces</mark> tell why. Mind the gap Not [!so] here."


def test_the_text_shown_has_no_gaps_where_marks_of_emphasis_stood(tmp_path: Path) -> None:
    text = (
        "An agent has **tools**: _plain_ functions, `a_tool(*args)`, [links](x.md), <b>tags</b>.\n\n"
        "你和模型**知道的东西不一样**。\n\n| `one` | two |\n|---|---|\n| **three** | 2 |\n"
    )
    import_lessons(make_book(tmp_path, f"# Chapter 1: Book\n\n{text}"))

    [piece] = split(text)
    assert piece.body.splitlines() == [
        "An agent has tools: plain functions, a_tool(*args), links, tags.",
        "你和模型知道的东西不一样。",
        "one two",
        "three 2",
    ]
    [hit] = find_sections("tools", language="en")
    assert "<mark>tools</mark>: plain functions, a_tool(*args), links, tags. 你和" in hit.snippet_html


def test_whole_words_are_marked_where_they_stand_and_else_their_pieces(tmp_path: Path) -> None:
    text = "## 1.1 甲\n\n智能体有智能。\n\n## 1.2 乙\n\n智能在先。\n\n## 1.3 丙\n\n循环，然后是智能体。\n"
    import_lessons(make_book(tmp_path, f"# 第一章 书\n\n{text}"))

    def marked(query: str) -> dict[str, str]:
        return {hit.heading: hit.snippet_html for hit in find_sections(query, language="zh-hans")}

    assert marked("智能体")["甲"] == "<mark>智能体</mark>有智能。"
    assert marked("智能体")["乙"] == "<mark>智能</mark>在先。"
    assert marked("什么是智能体循环")["丙"] == "<mark>循环</mark>，然后<mark>是智能体</mark>。"


def test_no_query_breaks_it(tmp_path: Path) -> None:
    import_lessons(make_book(tmp_path, BOOK))

    for query in ("", " ", "'", '"', "(", "\\", "🙂", "%s%", "\x00"):
        assert headings(query) in ([], headings("s")), query
    for query in ("a' | 'tool", "(tool", "tool*", "NOT tool", "\x00tool", "tool " * 500):
        assert "Tools" in headings(query), query


def test_the_index_follows_the_lessons(tmp_path: Path) -> None:
    folder = make_book(tmp_path, BOOK)
    import_lessons(folder)
    before = set(Section.objects.values_list("pk", flat=True))

    edit(folder / "book.md", "of café visits", "of museums")
    import_lessons(folder)

    assert headings("café") == []
    assert headings("museums") == ["Memory"]
    # What did not change was not made anew.
    assert len(before & set(Section.objects.values_list("pk", flat=True))) == len(before) - 1

    Lesson.objects.filter(number="1.2").update(is_retired=True)
    assert headings("museums") == []
    Lesson.objects.update(is_retired=False)
    text = LessonText.objects.get(lesson__number="1.2")
    text.markdown = "## 1.2 Forgetting\n\nAll is gone.\n"
    text.save()
    reindex(text)
    assert headings("museums") == []
    assert headings("gone") == ["Memory"]  # its title is not this function's to change
    Course.objects.all().delete()
    assert not Section.objects.exists()


def test_texts_from_before_there_was_an_index(tmp_path: Path) -> None:
    import_lessons(make_book(tmp_path, BOOK))
    Section.objects.all().delete()
    assert headings("tool") == []

    call_command("index_lessons", verbosity=0)
    assert headings("calling a tool")[0] == "Calling a tool"


def test_sections_by_name(tmp_path: Path) -> None:
    import_lessons(make_book(tmp_path, BOOK))
    ids = [hit.section_id for hit in find_sections("tool", language="en")]
    assert len(ids) == 4

    found = sections_named([*ids, "agents:1.1#no-such-heading", "agents:9", "", "x\x00:1"], language="en")

    assert list(found) == ids
    assert [section_id(section) for section in found.values()] == ids


def test_the_measurement_searches_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nothing to search"):
        call_command("search_bench")
    import_lessons(make_book(tmp_path, BOOK))
    out = StringIO()
    call_command("search_bench", "café", "nowhere", times=2, json=True, stdout=out)

    report = json.loads(out.getvalue())
    assert [(each["query"], each["found"]) for each in report["queries"]] == [("café", 1), ("nowhere", 0)]
    assert all(0 < each["quickest"] <= each["median"] for each in report["queries"])
    call_command("search_bench", times=1, stdout=out)
    assert "思维链" in out.getvalue()
