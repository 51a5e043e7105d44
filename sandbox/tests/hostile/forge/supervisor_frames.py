# Climbs the stack to the supervisor's objects, copied by the fork, and has them send frames.
# outcome: ok or failed or timeout or output_limit
# seconds: 0.3
import sys

frame = sys._getframe()
while frame:
    for thing in list(frame.f_locals.values()):
        link = getattr(thing, "_link", None)
        if link is not None:
            from enum import IntEnum

            class Kind(IntEnum):
                EXIT = 133

            link.queue(Kind.EXIT, 1, b"{}")
            link.flush()
    frame = frame.f_back
