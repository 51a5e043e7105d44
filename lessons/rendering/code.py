"""Code blocks: highlighted, and for listings with the buttons to run, open and copy them."""

from __future__ import annotations

from functools import lru_cache
from html import escape

from django.utils.translation import gettext as _
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from lessons.listings import Listing

_FORMATTER: HtmlFormatter[str] = HtmlFormatter(nowrap=True)
_PLAIN = frozenset({"", "plain", "plaintext", "text", "txt", "none"})


def listing_html(listing: Listing) -> str:
    """A listing with its buttons; its `data-listing` is its index in the lesson."""
    name = listing.filename or "Python"
    filename = f' data-filename="{escape(listing.filename)}"' if listing.filename else ""
    buttons = _button("run", _("Run")) + _button("open", _("Open in editor")) + _button("copy", _("Copy"))
    return (
        f'<div class="listing" data-listing="{listing.index}"{filename}>'
        f'<div class="code-bar"><span class="code-name">{escape(name)}</span>{buttons}</div>'
        f"{_pre(highlighted(listing.code, 'python'))}"
        f"{_output(listing.expected_output)}</div>"
    )


def code_html(code: str, language: str) -> str:
    """A code block that is not a listing, with the language's name when the author gave one."""
    name = f'<span class="code-name">{escape(language)}</span>'
    bar = "" if language in _PLAIN else f'<div class="code-bar">{name}</div>'
    look = "code plain" if language in _PLAIN else "code"
    return f'<div class="code-block">{bar}{_pre(highlighted(code, language), look)}</div>'


def _button(action: str, label: str) -> str:
    return (
        f'<button type="button" class="listing-{action}" data-listing-action="{action}">'
        f"{escape(label)}</button>"
    )


def _pre(html: str, look: str = "code") -> str:
    return f'<pre class="{look}" tabindex="0"><code>{html}</code></pre>'


def _output(text: str) -> str:
    if not text.strip():
        return ""
    title = _("Expected output")  # makemessages does not look inside f-strings
    return (
        f'<div class="expected-output"><p class="expected-output-title">{escape(title)}</p>'
        f'<pre tabindex="0"><samp>{escape(text)}</samp></pre></div>'
    )


def highlighted(code: str, language: str) -> str:
    """The code as HTML with Pygments' classes; plain when the language is unknown."""
    lexer = None if language in _PLAIN else _lexer(language)
    return highlight(code, lexer, _FORMATTER) if lexer else escape(code)


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None
