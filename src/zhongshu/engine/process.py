"""The process of one loaded model: `python -m zhongshu.engine.process`, one JSON line of ChildSpec on its input.

It starts llama.cpp's own HTTP server on 127.0.0.1 and a port the system chooses, guarded by a random key so that
other users of the machine cannot use it, prints one line (ChildReady) and lives until its input closes or its parent
dies. Serving happens in llama.cpp's threads; Python only waits. Knows nothing of turns.

Start-up messages go to standard error. Once ready, standard error is closed to /dev/null: from then on llama.cpp
could write a request's text there.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any

import msgspec
import xllamacpp as _untyped  # pyright: ignore[reportMissingTypeStubs]

from zhongshu.engine.settings import ChildReady, ChildSpec

xllamacpp: Any = _untyped
_PR_SET_PDEATHSIG = 1
_WARNINGS = 2
# llama.cpp's server gives each connection a thread, waiting requests too; enough that the queue is never the threads.
_HTTP_THREADS = 128


def main() -> None:
    """Run until standard input closes."""
    parent = os.getppid()
    _die_with(parent)
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches everyone; the parent ends us once answers are complete
    out = os.dup(1)
    os.dup2(2, 1)  # llama.cpp must not write into our one line
    spec = msgspec.json.decode(sys.stdin.buffer.readline(), type=ChildSpec)
    server = xllamacpp.Server(_params(spec))
    os.write(out, msgspec.json.encode(ChildReady(url=server.listening_address)) + b"\n")
    os.close(out)
    _silence()
    sys.stdin.buffer.read()
    os._exit(0)  # no destructors: they wait for requests in flight


def _params(spec: ChildSpec) -> Any:
    """llama-server's defaults, apart from what is set here."""
    params = xllamacpp.CommonParams()
    params.model.path = spec.path
    params.model_alias = {spec.model}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [spec.key]
    params.n_threads_http = _HTTP_THREADS
    params.n_parallel = spec.slots
    params.n_ctx = spec.context_tokens * spec.slots  # llama.cpp divides it across the slots
    params.cpuparams.n_threads = spec.threads
    params.cpuparams_batch.n_threads = spec.threads
    params.cache_ram_mib = spec.prompt_cache_bytes // (1024 * 1024)
    params.endpoint_metrics = True
    params.ui = False
    params.verbosity = _WARNINGS
    if spec.kind == "embedding":
        params.embedding = True
        params.n_batch = params.n_ubatch = max(512, spec.context_tokens)  # a text is embedded in one piece
    return params


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent goes, however it goes."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


if __name__ == "__main__":
    main()
