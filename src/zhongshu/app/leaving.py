"""How a process of ours ends: everything written, nothing torn down."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process with this exit code, without taking the interpreter down.

    The HTTP client's own threads, which cannot be joined, may ask for the interpreter just while it goes; the process is
    then aborted after its work was done (seen: `ask` ended by SIGABRT once in some hundred runs on a busy machine).
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the reader has gone, or the stream was closed
            stream.flush()
    os._exit(code)
