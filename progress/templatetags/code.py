"""How pages show learners' code and what it printed."""

from __future__ import annotations

from django import template

from progress import printed

register = template.Library()

register.filter("visible", printed.visible)
register.filter("as_printed", printed.plain)
register.filter("wants_terminal", printed.wants_terminal)
