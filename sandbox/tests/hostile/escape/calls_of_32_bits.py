# Machine code that makes a call by the 32-bit interface: the kernel ends the program.
# outcome: failed
import ctypes
import mmap
import os
import signal

if os.uname().machine != "x86_64":
    os.kill(os.getpid(), signal.SIGSYS)
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid); int 0x80; ret
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
print("came back")
