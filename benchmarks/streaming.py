"""Streaming: what passing a chunk on costs, how evenly chunks arrive, and what is still drawn after a client left.

    python -m benchmarks.streaming
    python -m benchmarks.streaming --only zhongshu --seconds 5

Three measurements for each server, on one core, beside the same ones without a server between:

- cost: streams of 50 chunks a second; processor time of the server's whole process tree, opening and closing of the
  streams included, divided by the chunks that arrived;
- evenness: 1,000 streams opened at once, 20 chunks a second each; once they are open (after 3 s) and until the first
  ends, how far the time between two chunks of one stream is from the interval, less what the mock upstream and the
  client alone show. Streams of one length that were opened at once all end at once, each with a record to be made
  durable: what the others' chunks then wait is a row of its own;
- leaving: clients leave in mid-stream; chunks the upstream sent less chunks the clients received.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack

import msgspec

from benchmarks import command, contestants, load, machine, rows, servers
from benchmarks.rows import Reference, Row

NAME = "streaming"
COST_INTERVAL_MS = 20.0
SETTLE_MS = 3000.0
COST_STREAMS = {"litellm": 10}
"""Streams of the cost measurement where 200 are too many for the server."""
LEAVERS, LEAVE_AFTER, LEAVE_OF = 50, 25, 250


class Options(msgspec.Struct, frozen=True):
    """What is run. `seconds` is the length of each stream; `streams` and `interval_ms` are of the evenness part."""

    only: tuple[str, ...] = ("nginx", "bare", "litellm", "zhongshu")
    seconds: float = 10.0
    streams: int = 1000
    interval_ms: float = 50.0


class Cost(msgspec.Struct, frozen=True):
    """Processor time of the server for the chunks that arrived."""

    seen: load.Streams
    cpu_s: float

    @property
    def us_a_chunk(self) -> float | None:
        return self.cpu_s * 1e6 / self.seen.chunks if self.seen.chunks else None


class Leaving(msgspec.Struct, frozen=True):
    """What the upstream sent, for each client that left, beyond what the client had received."""

    tokens: float
    bytes: float
    hung_up: int


class Outcome(msgspec.Struct):
    """One server's three measurements, or why there are none."""

    title: str
    cost: Cost | None = None
    even: load.Streams | None = None
    leaving: Leaving | None = None
    skipped: str = ""


def measure(options: Options) -> tuple[load.Streams, dict[str, Outcome]]:
    """The evenness without a server between, and each server's outcome."""
    cores = machine.cores()
    with ExitStack() as stack:
        upstream = stack.enter_context(servers.mock(cores.load))
        direct = even(load.Door(port=upstream.port), cores, options)
        command.say(f"  direct: jitter p99 {rows.figure(direct.jitter.p99)} ms")
        outcomes = {name: _measure_one(name, upstream, cores, options) for name in options.only}
    return direct, outcomes


def _measure_one(name: str, upstream: servers.Server, cores: machine.Cores, options: Options) -> Outcome:
    outcome = Outcome(contestants.TITLES[name])
    try:
        with _start(name, cores.server, upstream.port) as running:
            load.check_stream(outcome.title, running.door)
            running.server.quiesce()
            outcome.cost = cost(name, running, cores, options)
            running.server.quiesce()
            command.say(f"  {outcome.title}: {rows.figure(outcome.cost.us_a_chunk)} us a chunk")
            if name not in COST_STREAMS:
                outcome.even = even(running.door, cores, options)
                running.server.quiesce()
                command.say(f"  {outcome.title}: jitter p99 {rows.figure(outcome.even.jitter.p99)} ms")
            outcome.leaving = leave(running, upstream, cores)
            command.say(f"  {outcome.title}: {outcome.leaving.tokens:.1f} tokens drawn for each client that left")
    except servers.Unavailable as reason:
        outcome.skipped = str(reason)
    return outcome


def _start(name: str, core: int, port: int) -> AbstractContextManager[contestants.Running]:
    return contestants.nginx(core, port, streaming=True) if name == "nginx" else contestants.ALL[name](core, port)


def cost(name: str, running: contestants.Running, cores: machine.Cores, options: Options) -> Cost:
    """Processor time for a chunk, at a load that the server carries easily."""
    before = machine.cpu_s(running.server.pid)
    seen = load.streams(
        running.door,
        core=cores.load,
        count=COST_STREAMS.get(name, 200),
        chunks=round(options.seconds * 1000 / COST_INTERVAL_MS),
        interval_ms=COST_INTERVAL_MS,
        limit_s=options.seconds * 3 + 10,
    )
    return Cost(seen, machine.cpu_s(running.server.pid) - before)


def even(door: load.Door, cores: machine.Cores, options: Options) -> load.Streams:
    """Many streams at once, at the pace of a reader."""
    return load.streams(
        door,
        core=cores.load,
        count=options.streams,
        chunks=round((options.seconds * 1000 + SETTLE_MS) / options.interval_ms),
        interval_ms=options.interval_ms,
        settle_ms=SETTLE_MS,
        limit_s=options.seconds * 3 + 10,
    )


def leave(running: contestants.Running, upstream: servers.Server, cores: machine.Cores) -> Leaving:
    """Clients leave after a tenth of their streams; wait until the upstream has no stream open."""
    load.reset_mock(upstream.port)
    seen = load.streams(
        running.door,
        core=cores.load,
        count=LEAVERS,
        chunks=LEAVE_OF,
        interval_ms=COST_INTERVAL_MS,
        leave_after=LEAVE_AFTER,
    )
    end = time.monotonic() + LEAVE_OF * COST_INTERVAL_MS / 1000 + 5
    time.sleep(0.5)
    while (stats := load.mock_stats(upstream.port)).open and time.monotonic() < end:
        time.sleep(0.1)
    drawn = stats.chunks - seen.chunks
    return Leaving(drawn / LEAVERS, drawn / LEAVERS * stats.bytes / max(1, stats.chunks), stats.left)


def report(direct: load.Streams, outcomes: dict[str, Outcome], options: Options) -> list[Row]:
    """The rows of the table; Zhongshu's carry the targets."""
    pace = f"{options.streams:,} streams, {1000 / options.interval_ms:g} chunks/s each"
    found = [Row(name=f"direct, jitter p99, {pace}", value=direct.jitter.p99, unit="ms", note=_complaint(direct))]
    limit = outcomes.get("nginx")
    for name, outcome in outcomes.items():
        ours = name == "zhongshu"
        base = limit.cost.us_a_chunk if limit and limit.cost and limit is not outcome else None
        found.append(_cost_row(outcome, base, ours))
        if name not in COST_STREAMS:
            found += _even_rows(outcome, direct, pace, ours)
        found += _leaving_rows(outcome)
    return found


def _cost_row(outcome: Outcome, base: float | None, ours: bool) -> Row:
    spent = outcome.cost
    load_words = f"{spent.seen.count} streams, {1000 / COST_INTERVAL_MS:g} chunks/s each" if spent else outcome.skipped
    return Row(
        name=f"{outcome.title}, processor time for a chunk",
        value=spent.us_a_chunk if spent else None,
        unit="us",
        reference=Reference("nginx", base) if base else None,
        target=rows.at_most(30) if ours else None,
        note=(_complaint(spent.seen) if spent else "") or load_words,
    )


def _even_rows(outcome: Outcome, direct: load.Streams, pace: str, ours: bool) -> list[Row]:
    seen = outcome.even
    own = direct.jitter.p99
    through = seen.jitter.p99 if seen else None
    complaint = _complaint(seen) if seen else ""
    title = outcome.title
    return [
        Row(
            name=f"{title}, jitter p99 over the upstream's own, {pace}",
            value=max(0.0, through - own) if through is not None and own is not None and not complaint else None,
            unit="ms",
            reference=Reference("direct", own),
            target=rows.at_most(5) if ours else None,
            note=complaint or f"through it {rows.figure(through)} ms",
        ),
        Row(name=f"{title}, jitter p99 while all of them end at once", value=seen.ending.p99 if seen else None,
            unit="ms", reference=Reference("direct", direct.ending.p99)),
        Row(name=f"{title}, chunk on its way, p50", value=seen.delay.p50 if seen else None, unit="ms",
            reference=Reference("direct", direct.delay.p50)),
        Row(name=f"{title}, chunk on its way, p99", value=seen.delay.p99 if seen else None, unit="ms",
            reference=Reference("direct", direct.delay.p99)),
        Row(name=f"{title}, first chunk, p99, all opened at once", value=seen.first.p99 if seen else None, unit="ms",
            reference=Reference("direct", direct.first.p99)),
    ]  # fmt: skip


def _leaving_rows(outcome: Outcome) -> list[Row]:
    gone = outcome.leaving
    title = outcome.title
    note = (
        f"{gone.hung_up} of {LEAVERS} calls ended early; {LEAVE_OF - LEAVE_AFTER} tokens were to come" if gone else ""
    )
    return [
        Row(name=f"{title}, tokens still drawn after a client left", value=gone.tokens if gone else None, unit="tokens",
            note=note),
        Row(name=f"{title}, bytes still drawn after a client left", value=gone.bytes if gone else None, unit="bytes"),
    ]  # fmt: skip


def _complaint(seen: load.Streams) -> str:
    broken = seen.count - seen.complete
    return f"{broken} of {seen.count} streams did not complete" if broken else ""


def run(options: Options = Options()) -> list[Row]:  # noqa: B008 - a frozen value
    direct, outcomes = measure(options)
    return report(direct, outcomes, options)


def main(arguments: Sequence[str] | None = None) -> int:
    defaults = Options()
    parser = command.parser(__doc__)
    parser.add_argument("--only", default=",".join(defaults.only), help="servers, comma-separated")
    parser.add_argument("--seconds", type=float, default=defaults.seconds, help="length of a stream")
    parser.add_argument("--streams", type=int, default=defaults.streams, help="opened at once")
    parser.add_argument(
        "--interval-ms", type=float, default=defaults.interval_ms, help="between two chunks of a stream"
    )
    given = command.parsed(parser, arguments)
    only = tuple(name for name in given.only.split(",") if name)
    options = Options(only, given.seconds, given.streams, given.interval_ms)
    return command.finish(NAME, run(options), given, keep=options == defaults)


if __name__ == "__main__":
    sys.exit(main())
