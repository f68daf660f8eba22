"""Ten minutes of mixed traffic: does Zhongshu's memory grow?

    python -m benchmarks.soak
    python -m benchmarks.soak --minutes 3

All at once, at a steady pace: plain chat, streams, clients that leave in mid-stream, upstream errors, upstream streams
cut half way, wrong keys, and bodies that are not JSON. Every two seconds the private memory of the whole process tree
(`RssAnon` + `RssShmem`) is read; mapped files, such as an index, are not in it. The first two minutes are left out, the
samples are averaged over 20 s, and a straight line is laid through them. No growth means: the 95% interval of the slope
reaches down to zero or below, and the slope is under 128 KiB a minute - 180 MiB a day at the very most.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks import command, contestants, figures, load, machine, rows, servers
from benchmarks.rows import Row

NAME = "soak"
SAMPLE_S = 2.0
BLOCK_S = 20.0
LIMIT_KIB = 128.0
ROUND_S = 10.0
"""Length of one round of streams."""


class Options(msgspec.Struct, frozen=True):
    """How long, and on which server. `ignore_s` at the start is not counted."""

    minutes: float = 10.0
    only: str = "zhongshu"
    ignore_s: float = 120.0


class Traffic(msgspec.Struct):
    """What went through, counted as it happened."""

    plain: int = 0
    streams: int = 0
    left: int = 0
    troubles: int = 0
    wrong: int = 0
    """Answers that were not what the case should give."""


class Outcome(msgspec.Struct):
    """Samples (seconds since the start, bytes) and what went through."""

    title: str
    own: list[tuple[float, float]]
    resident: list[tuple[float, float]]
    traffic: Traffic
    skipped: str = ""


def measure(options: Options) -> Outcome:
    """Start the server, let all kinds of traffic run beside each other, sample until the time is up."""
    cores = machine.cores()
    outcome = Outcome(contestants.TITLES[options.only], [], [], Traffic())
    try:
        with ExitStack() as stack:
            upstream = stack.enter_context(servers.mock(cores.load))
            running = stack.enter_context(contestants.ALL[options.only](cores.server, upstream.port))
            load.check_plain(outcome.title, running.door)
            load.check_stream(outcome.title, running.door)
            _run(running, cores, options, outcome)
    except servers.Unavailable as reason:
        outcome.skipped = str(reason)
    return outcome


def _run(running: contestants.Running, cores: machine.Cores, options: Options, outcome: Outcome) -> None:
    start = time.monotonic()
    end = start + options.minutes * 60
    jobs = [_plain_job, _stream_job, _leaving_job, _trouble_job]
    doors = dict.fromkeys(jobs, running.door)
    if running.settings is not None:  # Zhongshu, which lets an upstream rest for as long as it says
        doors[_trouble_job] = msgspec.structs.replace(running.door, model=contestants.TROUBLED)
    threads = [
        threading.Thread(target=job, args=(door, cores.load, end, outcome.traffic), name=job.__name__)
        for job, door in doors.items()
    ]
    for thread in threads:
        thread.start()
    told = 0
    while (now := time.monotonic()) < end:
        held = machine.memory(running.server.pid)
        outcome.own.append((now - start, held.own))
        outcome.resident.append((now - start, held.resident))
        if int((now - start) // 60) > told:
            told = int((now - start) // 60)
            command.say(f"  minute {told}: {held.own / 2**20:.1f} MiB of its own, {held.resident / 2**20:.1f} resident")
        time.sleep(SAMPLE_S)
    for thread in threads:
        thread.join()


def _plain_job(door: load.Door, core: int, end: float, traffic: Traffic) -> None:
    """About 800 requests a second from 16 connections that pause 20 ms before each."""
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body.json"
        body.write_bytes(load.chat_body(door.model))
        while (left := end - time.monotonic()) > 2:
            seconds = min(60.0, left)
            process = load.wrk_process(door, body, core=core, connections=16, seconds=seconds, delay_ms=20)
            try:
                seen = load.wrk_result(process, seconds + 60)
            except subprocess.TimeoutExpired:
                process.kill()
                traffic.wrong += 1
                return
            traffic.plain += seen.requests
            traffic.wrong += seen.errors


def _stream_job(door: load.Door, core: int, end: float, traffic: Traffic) -> None:
    """50 streams of 20 chunks a second, again and again."""
    while end - time.monotonic() > ROUND_S:
        seen = load.streams(door, core=core, count=50, chunks=int(ROUND_S * 20), interval_ms=50, limit_s=ROUND_S + 20)
        traffic.streams += seen.complete
        traffic.wrong += seen.count - seen.complete


def _leaving_job(door: load.Door, core: int, end: float, traffic: Traffic) -> None:
    """20 clients leave in mid-stream, every second."""
    while end - time.monotonic() > 5:
        seen = load.streams(door, core=core, count=20, chunks=200, interval_ms=50, leave_after=10, limit_s=20)
        traffic.left += seen.left
        traffic.wrong += seen.count - seen.left
        time.sleep(0.5)


def _trouble_job(door: load.Door, core: int, end: float, traffic: Traffic) -> None:
    """Each kind of trouble in turn, five a second; a server must answer every one, and with the right kind."""
    stranger = load.Door(port=door.port, path=door.path, headers={"authorization": "Bearer nobody"}, model=door.model)

    def ask(words: str) -> int:
        return load.ask(door, load.chat_body(door.model, words=words))[0]

    def cut() -> int:
        status, reply = load.ask(door, load.chat_body(door.model, chunks=4, words="[[mock:cut]][[mock:interval=10]]"))
        return 0 if status == 200 and b'finish_reason":"stop' in reply else status

    cases: list[tuple[Callable[[], int], frozenset[int]]] = [
        (lambda: ask("[[mock:500]]"), frozenset(range(500, 600))),
        (lambda: ask("[[mock:429]]"), frozenset([429, 502, 503])),
        (cut, frozenset([200, 429, 503])),  # the last two: the upstream rests, as its 429 said
        (lambda: load.ask(stranger, load.chat_body(door.model))[0], frozenset([401])),
        (lambda: load.ask(door, b'{"model": "mock", "messages": [')[0], frozenset([400])),
        (lambda: load.ask(door, load.chat_body("no-such-model"))[0], frozenset([400, 404])),
    ]
    turn = 0
    while end - time.monotonic() > 5:
        call, right = cases[turn % len(cases)]
        turn += 1
        try:
            traffic.wrong += call() not in right
        except OSError:
            traffic.wrong += 1
        traffic.troubles += 1
        time.sleep(0.2)


def report(outcome: Outcome, options: Options) -> list[Row]:
    """The slope with its target, how much memory there is at the end, and what went through."""
    counted = [(x, y) for x, y in outcome.own if x >= min(options.ignore_s, options.minutes * 20)]
    line = figures.slope(figures.blocks(counted, BLOCK_S))
    traffic, title = outcome.traffic, f"{outcome.title}, {options.minutes:g} minutes of mixed traffic"
    note = outcome.skipped
    if line:
        note = f"95% interval {_kib(line.low):+.1f} to {_kib(line.high):+.1f} KiB/min"
    peak = max((y for _, y in outcome.resident), default=None)
    sent = f"{traffic.plain:,} plain, {traffic.streams:,} streams, {traffic.left:,} left, {traffic.troubles:,} troubles"
    return [
        Row(
            name=f"{title}: memory grows by",
            value=_kib(line.value) if line else None,
            unit="KiB/min",
            target=rows.at_most(LIMIT_KIB),
            note=note,
        ),
        Row(
            name=f"{title}: growth that is sure",
            value=max(0.0, _kib(line.low)) if line else None,
            unit="KiB/min",
            target=rows.at_most(0),
            note="lower end of the 95% interval",
        ),
        Row(name=f"{title}: most memory", value=peak / 2**20 if peak else None, unit="MiB", note="whole process tree"),
        Row(
            name=f"{title}: answers of the wrong kind",
            value=float(traffic.wrong) if outcome.own else None,
            unit="answers",
            target=rows.at_most(0),
            note=sent,
        ),
    ]


def _kib(bytes_a_second: float) -> float:
    return bytes_a_second * 60 / 1024


def run(options: Options = Options()) -> list[Row]:  # noqa: B008 - a frozen value
    return report(measure(options), options)


def main(arguments: Sequence[str] | None = None) -> int:
    defaults = Options()
    parser = command.parser(__doc__)
    parser.add_argument("--minutes", type=float, default=defaults.minutes)
    parser.add_argument("--only", default=defaults.only, choices=sorted(contestants.ALL))
    given = command.parsed(parser, arguments)
    options = Options(minutes=given.minutes, only=given.only)
    return command.finish(NAME, run(options), given, keep=options == defaults)


if __name__ == "__main__":
    sys.exit(main())
