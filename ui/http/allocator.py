"""How much memory the C library keeps of what was freed."""

from __future__ import annotations

import ctypes
import os
import platform

__all__ = ["APART", "ARENAS", "CHOSEN", "bound_heaps"]

ARENAS = 2
"""Heaps that all threads share: few, since Python's own lock lets one of them run at a time, mostly."""

APART = 128 * 1024
"""Bytes from which a block has pages of its own, which go back when it is freed: what glibc begins with."""

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # of glibc's malloc.h
CHOSEN = ("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
"""Variables by which somebody else has said how many, and how large."""


def bound_heaps(most: int = ARENAS, *, apart: int = APART) -> bool:
    """Have threads share a few heaps that hold small blocks alone. To be called before anything large is loaded.

    glibc would make eight heaps for each core. What is freed in one is of use to that one alone, so that with each
    of them memory grows to the most that its threads ever needed: 21 MB of 164 lay idle on two cores, and 3 MB
    with two heaps.

    And once a large block was freed, as when weights are loaded, blocks up to its size would come from a heap.
    asyncio asks for 256 kB whenever it reads from a connection, to get a request of half a kilobyte. Where small
    blocks were laid into such a hole meanwhile, the next one does not fit any more, and the heap grows.

    Whoever sets one of the variables in `CHOSEN` has chosen.

    Args:
        most: Heaps, from 1.
        apart: Bytes from which a block lies in none of them.

    Returns:
        Whether it was done: elsewhere than with glibc, nothing is.
    """
    if platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in CHOSEN):
        return False
    libc = ctypes.CDLL(None)
    return all([libc.mallopt(_M_ARENA_MAX, most), libc.mallopt(_M_MMAP_THRESHOLD, apart)])
