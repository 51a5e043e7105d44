"""Faults of the platform while running code. A learner's own failure is never one of these."""


class SandboxError(Exception):
    """Something of ours broke; the run may be tried again and never counts as a failed attempt."""


class EngineUnavailable(SandboxError):
    """No engine can isolate code here, or it stopped answering. The message says how to mend it."""


class ImageMissing(EngineUnavailable):
    """The engine works, but has not got this image, or an old one only. The message says how to mend it."""


class ImageFailed(SandboxError):
    """An image could not be fetched or built; the message carries the last words of what failed."""


class PoolExhausted(SandboxError):
    """No container came free in time."""


class ContainerLost(SandboxError):
    """The container died or broke the protocol; it has been, or is to be, destroyed."""

    started = False  # whether the program had begun: something of it may have been seen already


class ContainerUnclean(ContainerLost):
    """An earlier run has left something, and the container takes no other."""


class ContainerSilent(ContainerLost):
    """The container did not answer in time; it may do so later, unless it was in the middle of a run."""
