"""A listening socket's last moments: the kernel begins no more connections on it, then it is empty."""

from __future__ import annotations

import ctypes
import select
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress

_SO_ATTACH_FILTER = 26  # socket(7); the module `socket` has no name for it

# Classic BPF (code, jump if true, jump if false, operand) on a segment's TCP header, see linux/filter.h. It
# drops what asks for a connection, SYN without ACK. All else must pass: the last segment of a handshake, too.
_NO_MORE_CONNECTIONS = (
    (0x30, 0, 0, 13),  # load the byte of the flags
    (0x54, 0, 0, 0x12),  # of them SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFF),  # let it pass
)


def hold_off(listeners: Iterable[socket.socket]) -> None:
    """Begin no more connections. Who asks now tries again after a second by itself, and is refused then.

    Without that a connection may be made between the last look at a queue and its end, for which a handshake
    over a slow network leaves time enough. Where the kernel has no such filters, the gap stays.
    """
    instructions = b"".join(struct.pack("HBBI", *each) for each in _NO_MORE_CONNECTIONS)
    program = ctypes.create_string_buffer(instructions, len(instructions))
    address = struct.pack("HP", len(_NO_MORE_CONNECTIONS), ctypes.addressof(program))
    for listener in listeners:
        with suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, address)


def somebody_waits(listeners: Iterable[socket.socket]) -> bool:
    """Whether there is a connection that the kernel has made and this process has not taken yet."""
    queues = select.poll()
    for listener in listeners:
        queues.register(listener, select.POLLIN)
    return bool(queues.poll(0))
