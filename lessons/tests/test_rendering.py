"""Markdown as lessons use it, seen in the HTML."""

from __future__ import annotations

import re

import pytest

from lessons.rendering import ImageFile, Rendered, heading_anchor, render
from lessons.rendering.dialect import html_of
from lessons.tests.pages import parsed


class Site:
    """A resolver that knows one chapter and one figure."""

    def link(self, href: str) -> str | None:
        return {"../chapter2/二.md#习题": "/zh-hans/2/#习题", "elsewhere.md": "https://other.example/"}.get(
            href
        )

    def image(self, src: str) -> ImageFile | None:
        return ImageFile("/images/abc.png", 800, 400) if src.endswith("figure.png") else None


def rendered(markdown: str, language: str = "en") -> Rendered:
    return render(markdown, resolver=Site(), language=language)


def html(markdown: str, language: str = "en") -> str:
    return rendered(markdown, language).html


def flat(markdown: str) -> str:
    """The HTML without line ends between tags."""
    return re.sub(r"\s*\n\s*", "", html(markdown))


# --- Prose ---


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**“重点”**文字", "<p><strong>“重点”</strong>文字</p>"),
        ("**词：**后文", "<p><strong>词：</strong>后文</p>"),
        ("中文**（括号）**中文", "<p>中文<strong>（括号）</strong>中文</p>"),
        ("a **b** *c* ~~d~~", "<p>a <strong>b</strong> <em>c</em> <del>d</del></p>"),
        ("snake_case_name 2*3*4 a * b * c", None),
        ("<strong>强</strong><sup>[1]</sup>", "<p><strong>强</strong><sup>[1]</sup></p>"),
        ("<background_information> x", "<p>&lt;background_information&gt; x</p>"),
        ("'h u g </w>' a < b && c > d", "<p>'h u g &lt;/w&gt;' a &lt; b &amp;&amp; c &gt; d</p>"),
        ("<strong>never closed", "<p>&lt;strong&gt;never closed</p>"),
        ("`<b>` and ``a ` b``", "<p><code>&lt;b&gt;</code> and <code>a ` b</code></p>"),
        ("第一行\n第二行", "<p>第一行第二行</p>"),
        ("one\ntwo", "<p>one\ntwo</p>"),
        ("one  \ntwo", "<p>one<br>\ntwo</p>"),
        ("#tag is no heading", "<p>#tag is no heading</p>"),
        (r"\*no\* \# \$ \<b>", "<p>*no* # $ &lt;b&gt;</p>"),
        ("a &amp; b &copy;", "<p>a &amp; b ©</p>"),
        ("<!-- hidden -->seen", "<p>seen</p>"),
    ],
)
def test_prose(markdown: str, expected: str | None) -> None:
    if expected is None:
        assert "<em>c" not in html(markdown)
        assert "snake_case_name" in html(markdown)
    else:
        assert html(markdown) == expected


def test_lists_as_commonmark_reads_them() -> None:
    text = "Text right above:\n- a\n   - nested by three\n\n     its paragraph\n- b\n1. one\n2) two\n"
    assert flat(text) == (
        "<p>Text right above:</p>"
        "<ul><li><p>a</p><ul><li><p>nested by three</p><p>its paragraph</p></li></ul></li>"
        "<li><p>b</p></li></ul><ol><li>one</li><li>two</li></ol>"
    )


def test_quotes_and_code_inside_numbered_items_do_not_end_the_list() -> None:
    text = "1. a\n\n   > <strong>Hint</strong>: x\n\n   - c\n\n   ```bash\n   ls\n   ```\n\n2. b\n"
    page = parsed(html(text))
    assert page.count("ol") == 1
    assert page.count("ol li") == 3
    assert page.count("li blockquote") == page.count("li pre") == 1


def test_numbered_lists_keep_their_first_number() -> None:
    assert '<ol start="3">' in html("3. c\n4. d\n")


def test_a_year_at_the_start_of_a_line_is_no_list() -> None:
    assert "<ol" not in html("It began in\n1966. ELIZA was born.\n")


def test_tables_stand_in_a_box_that_scrolls() -> None:
    page = html("Text right above\n| a | b |\n|:--|--:|\n| `x|y` | **z** |\n")
    assert '<div class="table-scroll" tabindex="0"><table>' in page
    assert "<td" in page
    assert 'class="align-right"><strong>z</strong>' in page
    assert "<code>x|y</code>" in page


def test_task_lists() -> None:
    page = html("- [ ] a\n- [x] b\n")
    assert page.count('<input type="checkbox" class="task" disabled') == 2
    assert page.count(" checked") == 1


def test_footnotes_lead_there_and_back() -> None:
    page = html("Said[^a].\n\n[^a]: Who **said** it.\n")
    assert 'href="#fn:a"' in page
    assert 'id="fn:a"' in page
    assert 'href="#fnref:a"' in page


@pytest.mark.parametrize(
    "text", ["> [!WARNING]\n> Mind **this**.\n", '!!! warning "Warning"\n    Mind **this**.\n']
)
def test_callouts(text: str) -> None:
    page = html(text)
    assert '<div class="admonition warning">' in page
    assert "<strong>this</strong>" in page
    assert "[!" not in page


def test_markdown_inside_html_blocks() -> None:
    text = "<details>\n<summary>More</summary>\n\n- **a**\n\n</details>\n\n<div align='center'>**b**</div>\n"
    page = flat(text)
    assert "<details><summary>More</summary><ul><li><strong>a</strong></li></ul></details>" in page
    assert '<div class="align-center"><p><strong>b</strong></p></div>' in page


def test_code_that_is_only_indented() -> None:
    assert "<code>x &lt; y\n</code>" in html("a\n\n    x < y\n\nb")


# --- Headings ---


def test_the_title_is_left_to_the_page_and_levels_begin_at_two() -> None:
    page = rendered("## 3.2 标题\n\ntext\n\n### 3.2.1 提示`工程`\n\n#### a\n\n### 提示工程\n\n### 提示工程\n")
    assert "3.2 标题" not in page.html
    assert [(h.level, h.title, h.anchor) for h in page.headings] == [
        (2, "3.2.1 提示工程", "321-提示工程"),
        (3, "a", "a"),
        (2, "提示工程", "提示工程"),
        (2, "提示工程", "提示工程-2"),
    ]
    assert '<h2 id="321-提示工程">3.2.1 提示<code>工程</code></h2>' in page.html


def test_a_text_without_a_title_keeps_its_first_section() -> None:
    assert [h.title for h in rendered("Words.\n\n## Section\n").headings] == ["Section"]


def test_headings_may_be_underlined_or_html() -> None:
    page = rendered("# T\n\nOne\n===\n\nTwo\n---\n\n<h3 align=center>Three</h3>\n")
    assert [h.title for h in page.headings] == ["One", "Two", "Three"]


@pytest.mark.parametrize("title", ["3.2.1 提示工程", "What is `x`?", "（1）A/B", "!!!", "Ａ１"])
def test_an_anchor_is_its_own_anchor(title: str) -> None:
    anchor = heading_anchor(title)
    assert anchor
    assert heading_anchor(anchor) == anchor


# --- Links and images ---


def test_links() -> None:
    text = (
        "# T\n\n## 习 题\n\n[in](#习-题) [there](../chapter2/二.md#习题) [out](https://a.example/?a=1&b=2)"
        " [mapped](elsewhere.md) [dead](nowhere.md) [deadhash](#nope) <https://b.example> mailto:x"
        " <a href='https://c.example'>c</a> [m](mailto:a@b.example)"
    )
    page = rendered(text)
    outside = 'rel="noopener noreferrer" target="_blank"'
    assert '<a href="#习-题">in</a>' in page.html
    assert '<a href="/zh-hans/2/#习题">there</a>' in page.html
    assert f'<a href="https://a.example/?a=1&amp;b=2" {outside}>out</a>' in page.html
    assert f'<a href="https://other.example/" {outside}>mapped</a>' in page.html
    assert f'<a href="https://b.example" {outside}>https://b.example</a>' in page.html
    assert f'<a href="https://c.example" {outside}>c</a>' in page.html
    assert '<a href="mailto:a@b.example">m</a>' in page.html
    assert '<span class="dead-link">dead</span>' in page.html
    assert page.dead_links == ("nowhere.md", "#nope")


def test_addresses_in_chinese_prose_are_links_and_end_where_chinese_begins() -> None:
    page = html("链接：https://a.example/b_c_d（见下）。**https://a.example/x**，<b>https://a.example/y</b>")
    for address in ("https://a.example/b_c_d", "https://a.example/x", "https://a.example/y"):
        assert f">{address}</a>" in page
    assert "<em>" not in page


def test_images() -> None:
    page = rendered("![图 *1*](figure.png) <img src='https://x.example/figure.png' width='50%' alt='a\"b'>")
    first, second = re.findall(r"<img [^>]*>", page.html)
    assert first == (
        '<img src="/images/abc.png" alt="图 1" width="800" height="400" loading="lazy" decoding="async">'
    )
    assert 'class="width-50"' in second
    assert 'alt="a&quot;b"' in second


@pytest.mark.parametrize(
    ("width", "size"),
    [
        ("600", 'width="600" height="300"'),
        ("9999", 'width="800" height="400"'),
        ("100%", 'height="400" loading'),
    ],
)
def test_an_authors_width_is_respected(width: str, size: str) -> None:
    assert size in html(f'<img src="figure.png" width="{width}">')


def test_images_of_other_hosts_are_not_loaded() -> None:
    page = rendered("![A cat](https://tracker.example/cat.png)\n")
    assert "tracker" not in page.html
    assert "A cat" in page.html
    assert page.missing_images == ("https://tracker.example/cat.png",)


# --- Code ---


def test_listings_have_buttons_and_their_index_in_the_lesson() -> None:
    page = html(
        "```bash\nls\n```\n\n```Python\n# a.py\nx = '<b>'\n```\n\n1. i\n\n   ```python\n   y\n   ```\n"
    )
    assert re.findall(r'data-listing="(\d+)"', page) == ["0", "1"]
    assert page.count('<button type="button"') == 6
    assert 'data-filename="a.py"' in page
    assert parsed(page).texts("pre")[1] == "# a.py\nx = '<b>'\n"


def test_expected_output_is_shown_and_is_not_the_code() -> None:
    page = parsed(html("```python\nprint(1)\n\n>>>\n1\n```\n"))
    assert page.texts("pre") == ["print(1)\n", "1\n"]
    assert page.count("div.expected-output") == 1


def test_fences_in_fences_are_shown_as_they_are() -> None:
    page = parsed(html("````markdown\n```python\nx\n```\n````\n"))
    assert page.texts("pre") == ["```python\nx\n```\n"]
    assert page.count("button") == 0


def test_buttons_are_in_the_language_asked_for() -> None:
    assert ">Run</button>" in html("```python\nx\n```\n", "en")


# --- Formulas ---


def test_formulas_inline_and_on_their_own() -> None:
    page = parsed(html("词$A$的 $x_1$, $$\ny = \\frac{1}{2}\n- z\n$$ after"))
    assert page.count("math") == 3
    assert page.count("span.math-block math") == 1
    assert page.count("li") == 0


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $10.",
        "US$5 or A$6",
        "$5-$10",
        "从$5涨到$8",
        "花了 $100 的成本，又花了 $200",
        "`$x$`",
        r"\$x\$",
        "https://a.example/?a=$b$c",
    ],
)
def test_dollars_that_are_no_formula(text: str) -> None:
    assert "<math" not in html(text)
    assert html(text).count("$") >= text.count("$") - text.count("\\")


def test_a_formula_of_one_number_touching_chinese() -> None:
    assert "<math" in html("至少$50$次")


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\text{总数 \"x\"} + 1", "总数"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "<mtable"),
        (r"\begin{cases} 1 & x>0 \\ 0 & \text{否则} \end{cases}", "否则"),
        (r"\operatorname{softmax}(x)", "softmax"),
        (r"\begin{equation} \underset{x}{\arg\max} \boxed{y} \end{equation}", "arg"),
        ("a，b（c）", "<mo"),
        ("P(w_2∣w_1)", "∣"),
        (r"x \leqslant y \ne z", "⩽"),
        (r"\left(\frac{a}{b}\right)", "stretchy"),
        (r"\mathbb{R}^n", "ℝ"),
        (r"\sum_{i=1}^{n} \hat{p}_i", "∑"),
        ("a < b", "&lt;"),
    ],
)
def test_formulas_of_all_kinds(latex: str, expected: str) -> None:
    page = rendered(f"$${latex}$$")
    assert page.math_errors == ()
    assert expected in page.html


@pytest.mark.parametrize("latex", [r"\frac{", r"\nosuchcommand{x}", r"\left(", "}{", "x" * 3000])
def test_a_formula_that_cannot_be_drawn_shows_its_source(latex: str) -> None:
    page = rendered(f"$${latex}$$")
    assert page.math_errors == (latex,)
    assert parsed(page.html).texts("code.math-error") == [latex]


def test_formulas_in_tables_headings_and_alternative_texts() -> None:
    page = rendered("# T\n\n## The $x$ axis\n\n| $a|b$ |\n|---|\n| 1 |\n\n![of $y$](figure.png)\n")
    assert page.headings[0].title == "The x axis"
    assert parsed(page.html).count("th math") == 1
    assert 'alt="of $y$"' in page.html


# --- The rest ---


def test_text_for_search_has_no_markup() -> None:
    text = rendered("# T\n\n## H\n\nA **b** $x_1$ <x> `c`\n\n```python\nif a < b: pass\n```\n").text
    assert text == "H\nA b x_1 <x> c\nif a < b: pass"


def test_reading_time_counts_chinese_words_and_code() -> None:
    assert rendered("x").reading_minutes == 1
    assert rendered("字" * 3000).reading_minutes == 10
    assert rendered("word " * 2000).reading_minutes == 10
    assert rendered("```python\n" + "x = 1\n" * 600 + "```\n").reading_minutes == 10


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "\n\n",
            "\ufeff# T",
            "\x00\x02\x03",
            "```",
            "````\n```\n",
            "$$",
            "$$\n\n$$",
            "> ```\n> x",
            "- ",
        ),
        *(
            "1.",
            "|",
            "|-|\n|-|",
            "<div",
            "<div><div>",
            "</div>",
            "[",
            "![",
            "](",
            "[^1]: ",
            "[^1]",
            "# ",
            "***",
        ),
        *("- - - a", "*" * 500, "[" * 500, "> " * 2000 + "x", "<b>" * 500, "`" * 500, "$" * 501, "(" * 500),
        *("\\", "&#0;", "a\u2028b", "- " * 2000 + "x", "\n".join(" " * n + "- x" for n in range(0, 600, 2))),
        *("**a " * 500, "[a](" * 500, "![a" * 500, "<a href='" * 500, "{" * 500, "$" + "{" * 1500 + "$"),
    ],
)
def test_nothing_an_author_writes_breaks_it(text: str) -> None:
    assert isinstance(rendered(text).html, str)


def test_a_chinese_sentence_goes_on_without_a_gap() -> None:
    text = "我们会把\n一个模型。\n**然后**\n再看，\n`code`\nwords\ngo on"
    html = html_of(text)

    assert "我们会把一个模型。<strong>然后</strong>再看，" in html
    assert "words\ngo on" in html
