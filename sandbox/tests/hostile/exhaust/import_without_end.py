# Each module writes and imports the next.
# outcome: failed
# says: RecursionError
import pathlib
import sys

sys.path.insert(0, "/tmp")
pathlib.Path("/tmp/m0.py").write_text("""
import importlib, pathlib
number = int(__name__[1:]) + 1
pathlib.Path(f"/tmp/m{number}.py").write_text(pathlib.Path(__file__).read_text())
importlib.import_module(f"m{number}")
""")
import m0
