# Modules of its own in place of the library's: as source, as bytecode, by the path, by the site.
# container: kept
import os
import site
import sys

for folder in {os.path.dirname(os.__file__), *site.getsitepackages(), "/tmp/work/.local/lib", "/tmp"}:
    for name in ("json.py", "sitecustomize.py", "usercustomize.py", "left.pth", "__pycache__/json.pyc"):
        try:
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            open(f"{folder}/{name}", "w").write("print('left')")
        except OSError:
            pass
os.environ["PYTHONPATH"] = os.environ["PYTHONSTARTUP"] = "/tmp"
