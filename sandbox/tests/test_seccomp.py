"""The system call filter, run by a small interpreter of classic BPF, for both architectures."""

from __future__ import annotations

import errno
import resource
import socket
import struct

import pytest

from sandbox.supervisor import seccomp
from sandbox.supervisor.seccomp import ARCHITECTURES, DENIED, Instruction

ALLOW = 0x7FFF0000
KILL = 0x80000000
ERRNO = 0x00050000


def judge(program: list[Instruction], number: int, *arguments: int, arch: int) -> int:
    """What the kernel would do: the verdict for one call."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    position, value = 0, 0
    while True:
        code, operand, if_true, if_false = program[position]
        position += 1
        if code == 0x06:
            return operand
        if code == 0x20:
            (value,) = struct.unpack_from("<I", data, operand)
        elif code == 0x54:
            value &= operand
        else:
            met = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[code]
            position += if_true if met else if_false


@pytest.fixture(params=list(ARCHITECTURES))
def machine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def verdict(machine: str, number: int, *arguments: int) -> int:
    return judge(seccomp.build(machine), number, *arguments, arch=ARCHITECTURES[machine].audit)


def test_every_denied_call_is_denied(machine: str) -> None:
    column = ARCHITECTURES[machine].column
    for name, numbers in DENIED.items():
        number = numbers[column]
        if number is not None:
            assert verdict(machine, number) == ERRNO | errno.EPERM, name


def test_ordinary_calls_are_allowed(machine: str) -> None:
    ordinary = {"x86_64": (0, 1, 2, 9, 39, 59, 231, 257), "aarch64": (63, 64, 56, 222, 172, 221, 94)}
    for number in ordinary[machine]:
        assert verdict(machine, number) == ALLOW


def test_another_architectures_calls_kill(machine: str) -> None:
    i386 = 0x40000003
    assert judge(seccomp.build(machine), 1, arch=i386) == KILL


def test_x32_calls_are_denied() -> None:
    assert verdict("x86_64", 0x40000000 + 1) == ERRNO | errno.EPERM


@pytest.mark.parametrize(
    "flag", [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]
)
def test_clone_makes_processes_and_threads_but_no_namespaces(machine: str, flag: int) -> None:
    number = ARCHITECTURES[machine].clone
    sigchld, thread = 17, 0x3D0F00

    assert verdict(machine, number, sigchld) == ALLOW
    assert verdict(machine, number, thread) == ALLOW
    assert verdict(machine, number, sigchld | flag) == ERRNO | errno.EPERM


def test_clone3_looks_missing_so_that_libc_falls_back(machine: str) -> None:
    assert verdict(machine, ARCHITECTURES[machine].clone3) == ERRNO | errno.ENOSYS


@pytest.mark.parametrize(
    ("family", "kind", "expected"),
    [
        (socket.AF_UNIX, socket.SOCK_STREAM, ALLOW),
        (socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, ALLOW),
        (socket.AF_INET6, socket.SOCK_DGRAM, ALLOW),
        (socket.AF_INET, socket.SOCK_RAW, ERRNO | errno.EPERM),
        (socket.AF_INET, socket.SOCK_SEQPACKET, ERRNO | errno.EPERM),
        (socket.AF_NETLINK, socket.SOCK_DGRAM, ERRNO | errno.EAFNOSUPPORT),
        (socket.AF_PACKET, socket.SOCK_RAW, ERRNO | errno.EAFNOSUPPORT),
        (38, socket.SOCK_SEQPACKET, ERRNO | errno.EAFNOSUPPORT),  # AF_ALG
    ],
)
def test_sockets(machine: str, family: int, kind: int, expected: int) -> None:
    assert verdict(machine, ARCHITECTURES[machine].socket, family, kind) == expected


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [(0, ALLOW), (6, ALLOW), (17, ALLOW), (132, ERRNO | errno.EPERM), (262, ERRNO | errno.EPERM)],
)
def test_no_protocol_that_loads_a_module(machine: str, protocol: int, expected: int) -> None:
    number = ARCHITECTURES[machine].socket
    assert verdict(machine, number, socket.AF_INET, socket.SOCK_STREAM, protocol) == expected


def test_pairs_are_local(machine: str) -> None:
    number = ARCHITECTURES[machine].socketpair
    assert verdict(machine, number, socket.AF_UNIX, socket.SOCK_SEQPACKET) == ALLOW
    for family in (socket.AF_INET, 30, 38, 40):
        assert verdict(machine, number, family, socket.SOCK_STREAM) == ERRNO | errno.EAFNOSUPPORT


def test_the_limit_of_core_dumps_can_be_read_but_not_changed(machine: str) -> None:
    arch = ARCHITECTURES[machine]
    core, files = resource.RLIMIT_CORE, resource.RLIMIT_NOFILE
    assert verdict(machine, arch.setrlimit, core, 0x7FFF_0000_1000) == ERRNO | errno.EPERM
    assert verdict(machine, arch.setrlimit, files, 0x7FFF_0000_1000) == ALLOW
    assert verdict(machine, arch.prlimit, 0, core, 0, 0x7FFF_0000_1000) == ALLOW
    for pointer in (0x1000, 0x7FFF_0000_1000, 0x1_0000_0000):
        assert verdict(machine, arch.prlimit, 0, core, pointer) == ERRNO | errno.EPERM
        assert verdict(machine, arch.prlimit, 0, files, pointer) == ALLOW


def test_nobody_changes_the_priority_of_process_1(machine: str) -> None:
    arch = ARCHITECTURES[machine]
    denied = ERRNO | errno.EPERM
    for number in arch.scheduling:
        assert verdict(machine, number, 1) == denied
        assert verdict(machine, number, 0) == verdict(machine, number, 2) == ALLOW
    for number, by_process in ((arch.setpriority, 0), (arch.ioprio_set, 1)):
        assert verdict(machine, number, by_process, 1) == denied
        assert verdict(machine, number, by_process, 0) == ALLOW
        for by_group_or_user in {0, 1, 2, 3} - {by_process}:
            assert verdict(machine, number, by_group_or_user, 0) == denied


def test_no_labels_of_flows_but_other_options(machine: str) -> None:
    number = ARCHITECTURES[machine].setsockopt

    assert verdict(machine, number, 3, socket.IPPROTO_IPV6, 32) == ERRNO | errno.EPERM
    assert verdict(machine, number, 3, socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == ALLOW
    assert verdict(machine, number, 3, socket.IPPROTO_TCP, 32) == ALLOW
