"""How much memory the processes of a container use, for where no control group keeps watch."""

from __future__ import annotations

import os
import resource
from pathlib import Path

_PAGE = resource.getpagesize()


def used_by_others(residents: set[str]) -> int:
    """Bytes in use by every process but `residents` (ids); what processes share is divided among them."""
    return sum(
        _share(Path("/proc", pid)) for pid in os.listdir("/proc") if pid.isdigit() and pid not in residents
    )


def _share(process: Path) -> int:
    try:
        for line in _rollup(process).splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        return int((process / "statm").read_text().split()[1]) * _PAGE
    except OSError:  # it has just ended
        return 0


def _rollup(process: Path) -> str:
    """Empty for one that hides its maps: then everything it has in memory counts."""
    try:
        return (process / "smaps_rollup").read_text()
    except PermissionError:
        return ""
