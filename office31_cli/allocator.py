"""The C library's memory allocator, tuned for a process that computes: a setting of the whole process."""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> None:
    """Have glibc keep freed memory for the next allocation instead of handing it back to the kernel.

    Page faults were over half of the time of a forward pass on the CPU, as every large activation was mapped anew.
    It cannot be undone and holds for the whole process, so it is called for the command line's own process and for
    workers; a program that calls office31 from Python decides for itself. Does nothing with other C libraries.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    libc.mallopt(_M_TOP_PAD, 256 << 20)
