# An error whose every method fails, and whose own file is not what it was.
# outcome: failed
import linecache


class Unshowable(Exception):
    def __str__(self):
        raise self

    __repr__ = __str__

    @property
    def __class__(self):
        raise self


linecache.cache.clear()
open("main.py", "wb").write(b"\xff\x00" * 10_000)
raise Unshowable
