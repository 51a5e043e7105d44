"""The system calls that no program in a container gets, as a seccomp filter of our own.

It lies inside whatever filter the engine brings, works the same for every engine, and is installed once on
the supervisor before any learner code exists; forks inherit it. Everything is allowed but what follows:
reaching into other processes, kernel keyrings, loading code into the kernel, namespaces and mounts, IPC
objects that outlive their maker, the clock, sockets other than local ones, TCP and UDP, labels of flows (the
kernel keeps them for all of the machine), a new limit on core dumps (`forbid_core_dumps` says why), and
another priority for process 1 (`identity.kill_all_of` says why).

Numbers: the kernel's ``arch/x86/entry/syscalls/syscall_64.tbl`` and ``include/uapi/asm-generic/unistd.h``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import socket
import struct
from contextlib import suppress
from typing import NamedTuple

from . import kernel

# name: (x86_64, aarch64); None where the architecture has no such call
DENIED: dict[str, tuple[int | None, int | None]] = {
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    # keyrings
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # code in the kernel, and its widest doors
    "bpf": (321, 280),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "lookup_dcookie": (212, 18),
    "modify_ldt": (154, None),
    "iopl": (172, None),
    "ioperm": (173, None),
    "personality": (135, 92),
    # namespaces, mounts, files by handle
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    # IPC objects that outlive their maker
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "shmdt": (67, 197),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182),
    "mq_timedreceive": (243, 183),
    "mq_notify": (244, 184),
    "mq_getsetattr": (245, 185),
    # the machine
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
}

NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET; CLONE_NEWTIME needs clone3
SOCKET_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
SOCKET_TYPES = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
# Any other has the kernel look for a module that serves it, and load it. 0 is the type's usual one.
SOCKET_PROTOCOLS = (0, socket.IPPROTO_ICMP, socket.IPPROTO_TCP, socket.IPPROTO_UDP)
SOCKET_TYPE_MASK = 0xF  # the rest are flags: SOCK_CLOEXEC, SOCK_NONBLOCK
IPV6_FLOWLABEL_MGR = 32  # linux/in6.h
IOPRIO_WHO_PROCESS = 1  # ioprio_set(2)
X32_BIT = 0x40000000  # x86_64's second numbering of the same calls

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_KILL_PROCESS = 0x80000000

# Classic BPF, as much as is needed: linux/bpf_common.h
_LOAD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_GREATER_EQUAL = 0x35
_JUMP_SET = 0x45
_AND = 0x54
_RETURN = 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

_MODE_FILTER = 2  # SECCOMP_MODE_FILTER


class Architecture(NamedTuple):
    audit: int  # AUDIT_ARCH_*
    column: int  # in DENIED
    clone: int
    clone3: int
    socket: int
    socketpair: int
    setsockopt: int
    setrlimit: int
    prlimit: int
    setpriority: int
    ioprio_set: int
    # of the process that the first argument names
    scheduling: tuple[int, ...]  # sched_setparam, sched_setscheduler, sched_setaffinity, sched_setattr


ARCHITECTURES = {
    "x86_64": Architecture(
        0xC000003E,
        0,
        clone=56,
        clone3=435,
        socket=41,
        socketpair=53,
        setsockopt=54,
        setrlimit=160,
        prlimit=302,
        setpriority=141,
        ioprio_set=251,
        scheduling=(142, 144, 203, 314),
    ),
    "aarch64": Architecture(
        0xC00000B7,
        1,
        clone=220,
        clone3=435,
        socket=198,
        socketpair=199,
        setsockopt=208,
        setrlimit=164,
        prlimit=261,
        setpriority=140,
        ioprio_set=30,
        scheduling=(118, 119, 122, 274),
    ),
}


class Instruction(NamedTuple):
    code: int
    value: int
    if_true: int = 0  # how many instructions to skip
    if_false: int = 0

    def pack(self) -> bytes:
        return struct.pack("=HBBI", self.code, self.if_true, self.if_false, self.value)


def _fail(number: int) -> Instruction:
    return Instruction(_RETURN, _ERRNO | number)


def _load_argument(index: int, *, high: bool = False) -> Instruction:
    """Half of an argument: the low one, first in memory, is all there is of a C int."""
    return Instruction(_LOAD, _ARGUMENTS + 8 * index + 4 * high)


def _when_call(number: int, block: list[Instruction]) -> list[Instruction]:
    """Enter `block`, which must return, only for one call."""
    return [Instruction(_JUMP_EQUAL, number, 0, len(block)), *block]


def _one_of(values: tuple[int, ...], otherwise: Instruction) -> list[Instruction]:
    """Go on if the loaded value is one of `values`, else return."""
    tests = [Instruction(_JUMP_EQUAL, value, len(values) - i, 0) for i, value in enumerate(values)]
    return [*tests, otherwise]


def build(machine: str) -> list[Instruction]:
    """The filter for an architecture by its `platform.machine()` name; KeyError for one that is not known."""
    arch = ARCHITECTURES[machine]
    allow = Instruction(_RETURN, _ALLOW)
    clone = [
        _load_argument(0),
        Instruction(_JUMP_SET, NEW_NAMESPACES, 0, 1),
        _fail(errno.EPERM),
        allow,
    ]
    new_socket = [
        _load_argument(0),
        *_one_of(SOCKET_FAMILIES, _fail(errno.EAFNOSUPPORT)),
        _load_argument(1),
        Instruction(_AND, SOCKET_TYPE_MASK),
        *_one_of(SOCKET_TYPES, _fail(errno.EPERM)),
        _load_argument(2),
        *_one_of(SOCKET_PROTOCOLS, _fail(errno.EPERM)),
        allow,
    ]
    new_pair = [_load_argument(0), *_one_of((socket.AF_UNIX,), _fail(errno.EAFNOSUPPORT)), allow]
    new_option = [
        _load_argument(1),
        *_one_of((socket.IPPROTO_IPV6,), allow),
        _load_argument(2),
        Instruction(_JUMP_EQUAL, IPV6_FLOWLABEL_MGR, 0, 1),
        _fail(errno.EPERM),
        allow,
    ]
    new_limit = [_load_argument(0), *_one_of((resource.RLIMIT_CORE,), allow), _fail(errno.EPERM)]
    look_at_limit = [  # prlimit(2) sets a limit unless its third argument is no pointer
        _load_argument(1),
        *_one_of((resource.RLIMIT_CORE,), allow),
        _load_argument(2),
        *_one_of((0,), _fail(errno.EPERM)),
        _load_argument(2, high=True),
        *_one_of((0,), _fail(errno.EPERM)),
        allow,
    ]
    but_process_1 = [Instruction(_JUMP_EQUAL, 1, 0, 1), _fail(errno.EPERM), allow]
    scheduling = [_load_argument(0), *but_process_1]
    # By group or user they would reach more than one process; only by process, then.
    priority, io_priority = (
        [_load_argument(0), *_one_of((which,), _fail(errno.EPERM)), _load_argument(1), *but_process_1]
        for which in (os.PRIO_PROCESS, IOPRIO_WHO_PROCESS)
    )
    denied = [call[arch.column] for call in DENIED.values()]
    return [
        Instruction(_LOAD, _ARCHITECTURE),
        Instruction(_JUMP_EQUAL, arch.audit, 1, 0),
        Instruction(_RETURN, _KILL_PROCESS),
        Instruction(_LOAD, _NUMBER),
        Instruction(_JUMP_GREATER_EQUAL, X32_BIT, 0, 1),
        _fail(errno.EPERM),
        *_when_call(arch.clone, clone),
        # Its flags lie in memory, out of a filter's sight; told that it is missing, libc falls back to clone.
        *_when_call(arch.clone3, [_fail(errno.ENOSYS)]),
        *_when_call(arch.socket, new_socket),
        *_when_call(arch.socketpair, new_pair),
        *_when_call(arch.setsockopt, new_option),
        *_when_call(arch.setrlimit, new_limit),
        *_when_call(arch.prlimit, look_at_limit),
        *_when_call(arch.setpriority, priority),
        *_when_call(arch.ioprio_set, io_priority),
        *(i for number in arch.scheduling for i in _when_call(number, scheduling)),
        *(i for number in denied if number is not None for i in _when_call(number, [_fail(errno.EPERM)])),
        allow,
    ]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid_core_dumps() -> None:
    """Before `install`: nothing that crashes here is dumped, not even to a program.

    Where the host gives dumps to a program, as many do, it is started outside of the container, as root, and
    for a limit of 0 all the same; 1 is what the kernel takes for "none at all" (core(5), fs/coredump.c).
    The filter keeps learners from lowering it to 0.
    """
    with suppress(ValueError, OSError):  # an engine that gave 0; then it cannot be had
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))


def install() -> None:
    """Put this process and all it will ever start under the filter, for good. OSError, KeyError."""
    instructions = build(platform.machine())
    program = _Program(len(instructions), b"".join(i.pack() for i in instructions))
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(program))
