"""Rendered HTML read by a parser that is not the one under test, for tests to look into."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = frozenset({"br", "hr", "img", "input"})


class Node:
    def __init__(self, tag: str, attributes: dict[str, str], parent: Node | None) -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Node | str] = []

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    @property
    def ancestors(self) -> list[Node]:
        return [] if self.parent is None else [self.parent, *self.parent.ancestors]

    def matches(self, selector: str) -> bool:
        tag, _, klass = selector.partition(".")
        return tag == self.tag and (not klass or klass in self.attributes.get("class", "").split())


class Page(HTMLParser):
    """A fragment as a tree. Fails on a tag that is not closed, or closed in the wrong place."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self._open = [Node("", {}, None)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self._open[-1])
        self._open[-1].children.append(node)
        self.nodes.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def close(self) -> None:
        super().close()
        assert len(self._open) == 1, f"<{self._open[-1].tag}> is not closed"

    @property
    def root(self) -> Node:
        return self._open[0]

    def select(self, selector: str) -> list[Node]:
        """The nodes for "tag", "tag.class" or two of these with a space: one inside the other."""
        *outer, inner = selector.split()
        return [
            node
            for node in self.nodes
            if node.matches(inner)
            and (not outer or any(ancestor.matches(outer[0]) for ancestor in node.ancestors))
        ]

    def count(self, selector: str) -> int:
        return len(self.select(selector))

    def texts(self, selector: str) -> list[str]:
        return [node.text for node in self.select(selector)]


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


_PROSE = """
    a abbr b blockquote br button caption cite code dd del details div dl dt em figcaption figure h2 h3 h4 h5
    h6 hr i img input ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot
    th thead tr u ul var
"""
_MATH = """
    math mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle
    msub msubsup msup mtable mtd mtext mtr munder munderover none
"""
_ATTRIBUTES = {
    "a": "href id class title rel target",
    "abbr": "title id",
    "button": "type class data-listing-action",
    "details": "open id",
    "div": "class id data-listing data-filename tabindex",
    "img": "src alt title width height class loading decoding",
    "input": "type class disabled checked aria-label",
    "ol": "start id",
    "pre": "class tabindex",
    "span": "class id role aria-label tabindex",
    "td": "class colspan rowspan id",
    "th": "class colspan rowspan id",
}
_IDS = re.compile(r"user-[\w-]+|fn(ref\d*)?:[\w-]+")


def dangers(html: str, *, listings: int | None = None) -> list[str]:
    """What a page must not have: foreign elements, attributes and buttons, addresses that run."""
    found: list[str] = []
    page = parsed(html)
    for node in page.nodes:
        if node.tag in _MATH.split():
            if any(name.startswith("on") or name in {"href", "style", "src"} for name in node.attributes):
                found.append(f"<{node.tag}> has {node.attributes}")
            continue
        if node.tag not in _PROSE.split():
            found.append(f"<{node.tag}>")
        strange = set(node.attributes) - set(_ATTRIBUTES.get(node.tag, "class id").split())
        found += [f"<{node.tag} {name}>" for name in sorted(strange)]
        address = node.attributes.get("href", node.attributes.get("src", "/"))
        if not re.match(r"/(?!/)|#|https?://|mailto:", address) or (node.tag == "img" and address[0] != "/"):
            found.append(f"address {address!r}")
        identity = node.attributes.get("id")
        if identity and node.tag not in {"h2", "h3", "h4", "h5", "h6"} and not _IDS.fullmatch(identity):
            found.append(f"id {identity!r}")
        if node.tag == "button" and not any(ancestor.matches("div.listing") for ancestor in node.ancestors):
            found.append("a button outside a listing")
    ids = [node.attributes["id"] for node in page.nodes if "id" in node.attributes]
    found += [f"id {identity!r} twice" for identity in {i for i in ids if ids.count(i) > 1}]
    if listings is not None and page.count("div.listing") != listings:
        found.append(f"{page.count('div.listing')} listings instead of {listings}")
    return found
