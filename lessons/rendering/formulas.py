"""Formulas: LaTeX in, MathML out. Browsers draw MathML themselves, so a page needs no script for it."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape, unescape
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import convert_to_element

MAX_LENGTH = 2000  # characters; a longer formula is a mistake, and conversion is not linear

# MathML Core (https://www.w3.org/TR/mathml-core/) as far as the converter uses it.
_ELEMENTS = frozenset(
    {
        "math",
        "merror",
        "mfrac",
        "mi",
        "mmultiscripts",
        "mn",
        "mo",
        "mover",
        "mpadded",
        "mphantom",
        "mprescripts",
        "mroot",
        "mrow",
        "ms",
        "mspace",
        "msqrt",
        "mstyle",
        "msub",
        "msubsup",
        "msup",
        "mtable",
        "mtd",
        "mtext",
        "mtr",
        "munder",
        "munderover",
        "none",
    }
)
_ATTRIBUTES = frozenset(
    {
        "accent",
        "accentunder",
        "columnalign",
        "columnspacing",
        "depth",
        "display",
        "displaystyle",
        "fence",
        "form",
        "height",
        "largeop",
        "linethickness",
        "lspace",
        "mathvariant",
        "maxsize",
        "minsize",
        "movablelimits",
        "rowspacing",
        "rspace",
        "scriptlevel",
        "separator",
        "stretchy",
        "symmetric",
        "voffset",
        "width",
    }
)
# What authors type and the converter would take for letters.
_CHARACTERS = str.maketrans(
    {"，": ", ", "。": ". ", "（": "(", "）": ")", "：": ":", "；": "; ", "＝": "=", "＋": "+"}
)
_TEXT_COMMAND = re.compile(r"\\(?:text|textbf|textit|textrm|mbox|mathrm|operatorname\*?)\s*\{[^{}]*\}")
# LaTeX the converter does not know, in words it does.
_REWRITTEN = [
    (re.compile(r"\\operatorname\*?\s*\{([^{}]*)\}"), r"\\mathrm{\1}"),
    (re.compile(r"\\(begin|end)\{(?:aligned|eqnarray\*?)\}"), r"\\\1{align*}"),
    (re.compile(r"\\(begin|end)\{(?:gather\*?|gathered|multline\*?)\}"), r"\\\1{matrix}"),
    (re.compile(r"\\(begin|end)\{dcases\}"), r"\\\1{cases}"),
    (re.compile(r"\\(?:begin|end)\{equation\*?\}|\\label\{[^{}]*\}"), ""),
    (re.compile(r"\\arg(?![A-Za-z])"), r"\\mathrm{arg}"),
]


class FormulaError(ValueError):
    """The formula is not LaTeX this site can show."""


@lru_cache(maxsize=4096)
def mathml(latex: str, *, display: bool) -> str:
    """The `<math>` element for a formula. `display`: on a line of its own.

    Raises `FormulaError` when it cannot be converted.
    """
    if len(latex) > MAX_LENGTH:
        raise FormulaError("too long")
    try:
        element = convert_to_element(_prepared(latex), display="block" if display else "inline")
    except Exception as error:  # the converter raises whatever it stumbles over: KeyError, IndexError …
        raise FormulaError(str(error)) from error
    _check(element)
    element.attrib.pop("xmlns", None)  # HTML knows <math>
    element.set("alttext", latex.strip())
    return tostring(element, encoding="unicode")


def _prepared(latex: str) -> str:
    """The formula with full-width punctuation outside `\\text` made plain, and operator names upright."""
    pieces: list[str] = []
    end = 0
    for match in _TEXT_COMMAND.finditer(latex):
        pieces += [latex[end : match.start()].translate(_CHARACTERS), match[0]]
        end = match.end()
    pieces.append(latex[end:].translate(_CHARACTERS))
    prepared = "".join(pieces)
    for pattern, replacement in _REWRITTEN:
        prepared = pattern.sub(replacement, prepared)
    return prepared.strip()


def _check(element: Element) -> None:
    """Let through what this site knows; drop other attributes (styles, links, classes)."""
    for node in element.iter():
        if node.tag == "menclose":  # a box or a stroke, which few browsers draw
            node.tag = "mrow"
        if node.tag not in _ELEMENTS:
            raise FormulaError(f"<{node.tag}> is not allowed")
        node.text = unescape(node.text or "")  # the converter writes symbols as entities
        if ("\\" in node.text or node.text == "&") and node.tag != "mtext":
            raise FormulaError(f"unknown command {node.text}")
        if node.tag == "mo" and node.text == "|":  # TeX sets it like a letter; MathML would space it
            node.attrib.update(lspace="0", rspace="0")
        for name in set(node.attrib) - _ATTRIBUTES:
            del node.attrib[name]


def formula_html(latex: str, *, display: bool) -> str:
    """The formula with its wrapper; raises `FormulaError`."""
    if display:
        return f'<span class="math-block" tabindex="0">{mathml(latex, display=True)}</span>'
    return mathml(latex, display=False)


def formula_error_html(latex: str) -> str:
    return f'<code class="math-error">{escape(latex)}</code>'
