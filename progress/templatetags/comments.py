"""How the text of a comment is shown: as it was written, with code between backticks set as code."""

from __future__ import annotations

import re

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# The line breaks around a block are the block's own; a word after the opening marks names its language.
_CODE = re.compile(r"\n?```(?:[\w+#.-]*[ \t]*\n)?(?P<block>.+?)\n?```\n?|`(?P<code>[^`\n]+)`", re.DOTALL)


@register.filter
def comment_text(text: str) -> SafeString:
    """Escaped; line breaks are kept by the style."""
    shown, end = "", 0
    for found in _CODE.finditer(text):
        shown += conditional_escape(text[end : found.start()])
        kind = "block" if found["block"] is not None else "code"
        shown += format_html('<code class="comment-{}">{}</code>', kind, found[kind])
        end = found.end()
    shown += conditional_escape(text[end:])
    return mark_safe(shown)  # noqa: S308 - each piece is escaped above
