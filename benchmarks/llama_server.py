# pyright: basic, reportAttributeAccessIssue=false
# xllamacpp is a compiled module without type stubs.
"""llama.cpp's own HTTP server, from the same build that Zhongshu embeds: the reference of the engine benchmark.

    python -m benchmarks.llama_server --model FILE --port N --slots N --context-tokens N --threads N

llama-server's defaults, apart from what the options set. Nothing of Zhongshu is imported.
"""

from __future__ import annotations

import argparse
import signal

import xllamacpp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    for name in ("port", "slots", "context-tokens", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = parser.parse_args()
    params = xllamacpp.CommonParams()
    params.model.path = given.model
    params.hostnames = ["127.0.0.1"]
    params.port = given.port
    params.n_parallel = given.slots
    params.n_ctx = given.context_tokens * given.slots
    params.cpuparams.n_threads = given.threads
    params.cpuparams_batch.n_threads = given.threads
    params.ui = False
    params.verbosity = 1
    server = xllamacpp.Server(params)
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    del server


if __name__ == "__main__":
    main()
