"""Turn a lesson's Markdown into safe HTML.

What belongs to a course (where a relative link leads, which figures exist) is asked of a `Resolver`;
which listings a lesson has is said by `lessons.listings`. The way of a text:

1. `blocks` brings the block structure into the form Python-Markdown reads (list indentation, blank lines)
   and takes out code, and `spans` takes out formulas and the author's HTML tags; a placeholder stays behind.
2. Python-Markdown renders the rest; `tree` then gives headings their ids and resolves links and images.
3. The author's tags come back, those of `tags` only, and `sanitising` lets nothing else through.
4. What this program made itself (listings, formulas, figures) is put in last.
"""

from lessons.rendering.headings import heading_anchor
from lessons.rendering.page import render, render_part
from lessons.rendering.records import Heading, ImageFile, Rendered, Resolver

# Part of every cache key of rendered pages: raise it when the same Markdown gives other HTML.
VERSION = 4

__all__ = [
    "VERSION",
    "Heading",
    "ImageFile",
    "Rendered",
    "Resolver",
    "heading_anchor",
    "render",
    "render_part",
]
