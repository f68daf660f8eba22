"""Names for things that must be unique: trace ids."""

from __future__ import annotations

import os
import time

_random = ""
_used = 0


def trace_id() -> str:
    """32 hex characters: 48 bits of milliseconds, then 80 random bits, so that ids sort by time.

    Random bytes are drawn a page at a time: one system call for 400 ids. After a fork the page would repeat, so
    worker processes are started by exec, never by fork alone.
    """
    global _random, _used
    if _used + 20 > len(_random):
        _random, _used = os.urandom(4000).hex(), 0
    start, _used = _used, _used + 20
    return (time.time_ns() // 1_000_000).to_bytes(6, "big").hex() + _random[start:_used]
