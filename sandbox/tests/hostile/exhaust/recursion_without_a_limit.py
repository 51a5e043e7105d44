# The same with the interpreter's own guard removed.
# outcome: failed or memory
import sys

sys.setrecursionlimit(2**31 - 1)


class Deeper:
    def __repr__(self):
        return repr(self)


repr(Deeper())
