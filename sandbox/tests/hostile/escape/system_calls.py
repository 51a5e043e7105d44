# The kernel's wide doors, by their numbers.
# prints: end
import ctypes
import errno
import os

CALLS = {
    "x86_64": dict(
        ptrace=101, process_vm_readv=310, process_vm_writev=311, kcmp=312, add_key=248, request_key=249,
        keyctl=250, bpf=321, io_uring_setup=425, io_uring_enter=426, userfaultfd=323, perf_event_open=298,
        mount=165, umount2=166, open_tree=428, move_mount=429, fsopen=430, mount_setattr=442, unshare=272,
        setns=308, chroot=161, pivot_root=155, init_module=175, finit_module=313, kexec_load=246, reboot=169,
        swapon=167, shmget=29, semget=64, msgget=68, mq_open=240, open_by_handle_at=304,
        name_to_handle_at=303, pidfd_getfd=438, settimeofday=164, clock_settime=227, adjtimex=159,
        clone3=435, syslog=103, sethostname=170, acct=163, modify_ldt=154, personality=135, iopl=172,
        fanotify_init=300, quotactl=179, vhangup=153, move_pages=279, lookup_dcookie=212,
    ),
    "aarch64": dict(
        ptrace=117, process_vm_readv=270, process_vm_writev=271, kcmp=272, add_key=217, request_key=218,
        keyctl=219, bpf=280, io_uring_setup=425, userfaultfd=282, perf_event_open=241, mount=40, umount2=39,
        unshare=97, setns=268, chroot=51, pivot_root=41, init_module=105, kexec_load=104, reboot=142,
        shmget=194, semget=190, msgget=186, mq_open=180, open_by_handle_at=265, pidfd_getfd=438, syslog=116,
    ),
}  # fmt: skip
libc = ctypes.CDLL(None, use_errno=True)
for name, number in CALLS[os.uname().machine].items():
    ctypes.set_errno(0)
    if libc.syscall(number, 0, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
        print(name, ctypes.get_errno())
print("end")
