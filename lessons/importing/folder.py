"""The files of a course: found once, read safely, never outside their folder."""

from __future__ import annotations

import codecs
import os
import re
import unicodedata
from difflib import get_close_matches
from pathlib import Path

from lessons.importing.problems import Problem

_TEXT_LIMIT = 5 * 1024 * 1024  # bytes
_SKIPPED = {"node_modules", "__pycache__"}


class Unreadable(Exception):
    """A text file that cannot be used, with the problem to report."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class CourseFolder:
    """A course folder. Files go by POSIX paths relative to it, in Unicode's composed form."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.files: dict[str, Path] = {}
        self.with_bom: set[str] = set()  # of the text files read so far, those that begin with a BOM
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = sorted(name for name in subfolders if name not in _SKIPPED and name[0] != ".")
            for name in sorted(names):
                file = Path(folder, name)
                # A link may point out of the folder; what it points to is no part of the course.
                if not file.is_symlink() or file.resolve().is_relative_to(self.root):
                    path = file.relative_to(self.root).as_posix()
                    self.files[unicodedata.normalize("NFC", path)] = file

    @property
    def markdown_files(self) -> list[str]:
        """Paths of Markdown files, "2.md" before "10.md"."""
        return sorted((path for path in self.files if path.lower().endswith(".md")), key=natural)

    def read_bytes(self, path: str) -> bytes:
        return self.files[path].read_bytes()

    def read_text(self, path: str) -> str:
        """A text file's content without a byte order mark. Raises Unreadable."""
        try:
            if self.files[path].stat().st_size > _TEXT_LIMIT:
                raise Unreadable(Problem(path, 1, "is larger than 5 MB.", "Split it into several files."))
            content = self.read_bytes(path)
        except OSError as error:
            mend = "Check the file's permissions."
            raise Unreadable(Problem(path, 1, f"cannot be read ({error.strerror}).", mend)) from error
        if content.startswith(codecs.BOM_UTF8):
            self.with_bom.add(path)
        return _decode(path, content)

    def similar(self, path: str) -> str:
        """A hint for a path that does not exist: the likeliest file, as a sentence, or ""."""
        close = get_close_matches(path, self.files, n=1, cutoff=0.9)
        return f" Is {close[0]} meant?" if close else ""


def _decode(path: str, content: bytes) -> str:
    mend = "Save the file as UTF-8; until then the lessons keep what they had."
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"is not UTF-8 (byte 0x{content[error.start]:02x})."
        raise Unreadable(Problem(path, line, what, mend)) from error
    if "\0" in text:
        raise Unreadable(Problem(path, text[: text.index("\0")].count("\n") + 1, "holds a NUL byte.", mend))
    return text


def natural(path: str) -> list[tuple[int, int, str]]:
    """A sort key by which numbers in names count as numbers."""
    pieces = re.split(r"(\d+)", path.casefold())
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece]
