"""Entry point of the container: ``python3 -I /opt/supervisor``."""

import sys
from pathlib import Path

# Started as a folder: make the modules a package, so that they are the same ones the platform tests.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

if __name__ == "__main__":
    from supervisor.service import main  # type: ignore[import-not-found] # named so only in a container

    main()
