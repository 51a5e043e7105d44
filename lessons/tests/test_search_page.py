"""The page to search on, and the same over the API, through the front door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from lessons.tests.course_files import import_lessons, make_book, make_course
from lessons.tests.test_search import BOOK

pytestmark = pytest.mark.django_db


def test_the_page_works_without_scripts(client: Client, tmp_path: Path) -> None:
    import_lessons(make_book(tmp_path, BOOK))

    page = client.get("/en/search/", {"q": "calling a <tool>"})

    html = page.content.decode()
    assert page.status_code == 200
    assert 'value="calling a &lt;tool&gt;"' in html
    assert 'href="/en/courses/agents/book/tools/#calling-a-tool"' in html
    assert "<mark>tool</mark>" in html
    assert "<script>alert" not in html
    assert "Nothing was found" in client.get("/en/search/?q=nowhere").content.decode()
    assert "data-hit" not in client.get("/en/search/").content.decode()


def test_where_a_lesson_begins_the_result_names_its_chapter(client: Client, tmp_path: Path) -> None:
    import_lessons(
        make_book(tmp_path, "# Chapter 1: Wind\n\n## 1.1 Storm\n\nOf rain.\n\n### Hail\n\nOf ice.\n")
    )

    def place(query: str) -> str:
        html = client.get("/en/search/", {"q": query}).content.decode()
        return html.partition('class="search-hit-lesson">')[2].partition("<")[0]

    assert (place("rain"), place("ice")) == ("1.1 · Wind", "1.1 Storm")


def test_of_several_courses_the_result_names_its_own(client: Client, tmp_path: Path) -> None:
    import_lessons(make_book(tmp_path, BOOK))

    def named(**query: str) -> list[str]:
        html = client.get("/en/search/", {"q": "memory", **query}).content.decode()
        return [part.partition("<")[0] for part in html.split('class="search-hit-course" lang="en">')[1:]]

    assert named() == []
    second: dict[str, str | bytes] = {
        "README.md": "# Books\n",
        "_sidebar.md": "- [Chapter 1: Book](book.md)\n",
        "book.md": BOOK,
    }
    import_lessons(make_course(tmp_path / "second", second), course="books")
    assert sorted(named()) == ["Books", "agents"]
    assert named(course="books") == []


def test_results_alone_are_what_the_page_asks_for_while_one_types(client: Client, tmp_path: Path) -> None:
    import_lessons(make_book(tmp_path, BOOK))

    part = client.get("/en/search/?q=memory", headers={"HX-Request": "true"})

    assert "<html" not in part.content.decode()
    assert "data-hit" in part.content.decode()
    assert "HX-Request" in part["Vary"]


def test_filters_and_pages(client: Client, tmp_path: Path) -> None:
    import_lessons(make_course(tmp_path))
    many = "".join(f"## 1.{at} Wind {at}\n\nOf wind.\n\n" for at in range(1, 13))
    import_lessons(make_book(tmp_path / "second", f"# Chapter 1: Wind\n\n{many}"), course="winds")

    def found(**query: str) -> int:
        return client.get("/en/search/", query).content.decode().count("data-hit")

    assert (found(q="wind"), found(q="wind", page="2"), found(q="wind", page="99")) == (10, 3, 10)
    assert (found(q="wind", course="winds"), found(q="wind", course="agents")) == (10, 0)
    assert found(q="1.1", course="agents", language="zh-hans") == found(q="1.1", course="agents") // 2
    assert (
        found(q="wind", course="no-such", language="xx", page="x") == 10
    )  # what makes no sense is no filter


def test_the_api_pages_and_refuses(client: Client, tmp_path: Path) -> None:
    import_lessons(make_book(tmp_path, BOOK))

    def ask(**query: str) -> dict[str, Any]:
        answer: dict[str, Any] = client.get("/api/v1/lessons/search", query).json()
        return answer

    whole, second = ask(q="tool"), ask(q="tool", page="2", page_size="3")
    assert (whole["total"], whole["total_pages"]) == (4, 1)
    assert second["results"] == whole["results"][3:]
    assert (second["page"], second["page_size"], second["total_pages"]) == (2, 3, 2)
    assert client.get("/api/v1/lessons/search?q=x&course=no-such").status_code == 404
    assert client.get("/api/v1/lessons/search?q=x&page_size=101").status_code == 400
