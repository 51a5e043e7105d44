# Every hook the interpreter offers on the way out.
# outcome: failed
import builtins
import sys


def hook(*arguments):
    raise RuntimeError("no end")


sys.excepthook = sys.unraisablehook = sys.displayhook = builtins.print = builtins.__import__ = hook
sys.stdout = sys.stderr = None
raise ValueError("nobody can show me")
