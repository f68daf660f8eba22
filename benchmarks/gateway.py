"""Plain chat through each gateway: requests a second and latency, on one core, against the same mock upstream.

    python -m benchmarks.gateway                              the whole comparison
    python -m benchmarks.gateway --only zhongshu --seconds 5  one server, quickly
    python -m benchmarks.gateway --direct                     the mock upstream alone
    python -m benchmarks.gateway --port 7070 --key KEY        a server that is already running (see --upstream-port)

The servers take turns within each round (A B C, A B C, ...); a figure is the median of the rounds. After its turn a
server is waited for until it has no more work of its own, so that its indexing does not slow down the next. At the end
Zhongshu's journal is verified, and its records are counted against the answers that the load tool received.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack

import msgspec

from benchmarks import command, contestants, load, machine, rows, servers
from benchmarks.figures import median
from benchmarks.rows import Reference, Row

NAME = "gateway"
CONNECTIONS = 32
PEERS = ("portkey", "litellm")
BARE_THERE = 22_500
"""What the bare proxy did, in requests a second, on the machine on which the targets were set (20,000 to 25,000)."""
TARGETS = {"portkey": rows.ratio_at_least(6), "bare": rows.ratio_at_least(10_000 / BARE_THERE)}
"""Of the rate against another server: the second is the 10,000 requests a second of that machine."""


class Options(msgspec.Struct, frozen=True):
    """What is run, and for how long each turn lasts."""

    only: tuple[str, ...] = tuple(contestants.ALL)
    rounds: int = 3
    seconds: float = 5.0


class Turn(msgspec.Struct, frozen=True):
    """One server's turn in one round."""

    full: load.Plain
    single: load.Plain
    catch_up_s: float
    cpu_s: float
    """Processor time of the server's process tree while it answered at all connections."""
    after_cpu_s: float
    """The same until it was quiet."""


class Journal(msgspec.Struct, frozen=True):
    """What `zhongshu ledger verify` says: whether the chain holds, and how many records it has."""

    ok: bool
    records: int


class Outcome(msgspec.Struct):
    """All turns of one server, or why it had none."""

    title: str
    turns: list[Turn]
    answered: int = 0
    journal: Journal | None = None
    skipped: str = ""

    def rate(self) -> float | None:
        return median([turn.full.per_second for turn in self.turns])

    def p50_ms(self) -> float | None:
        return median([turn.full.p50_us / 1000 for turn in self.turns])

    def p99_ms(self) -> float | None:
        return median([turn.full.p99_us / 1000 for turn in self.turns])

    def single_ms(self) -> list[float]:
        return [turn.single.p50_us / 1000 for turn in self.turns]

    def us_a_request(self) -> float | None:
        """Processor time for a request, work left for later included."""
        return median([(turn.cpu_s + turn.after_cpu_s) * 1e6 / max(1, turn.full.requests) for turn in self.turns])

    def us_later(self) -> float | None:
        """The part of it that was done after the load had ended."""
        return median([turn.after_cpu_s * 1e6 / max(1, turn.full.requests) for turn in self.turns])

    def errors(self) -> int:
        return sum(turn.full.errors + turn.single.errors for turn in self.turns)


def measure(options: Options) -> dict[str, Outcome]:
    """Start every server, let them take turns, return what each did; `direct` is the mock upstream itself."""
    cores = machine.cores()
    outcomes = {"direct": Outcome("mock upstream, direct", [])}
    with ExitStack() as stack:
        upstream = stack.enter_context(servers.mock(cores.load))
        running: dict[str, contestants.Running] = {
            "direct": contestants.Running(upstream, load.Door(port=upstream.port))
        }
        for name in options.only:
            outcomes[name] = Outcome(contestants.TITLES[name], [])
            try:
                contestant = stack.enter_context(contestants.ALL[name](cores.server, upstream.port))
                load.check_plain(outcomes[name].title, contestant.door)
                outcomes[name].answered += warm_up(contestant, cores)
            except servers.Unavailable as reason:
                outcomes[name].skipped = str(reason)
            else:
                running[name] = contestant
        for number in range(options.rounds):
            for name, contestant in running.items():
                turn = take_turn(contestant, cores, options.seconds)
                outcomes[name].turns.append(turn)
                outcomes[name].answered += turn.full.requests + turn.single.requests
                command.say(
                    f"  round {number + 1}: {outcomes[name].title}: {turn.full.per_second:,.0f} requests/s, "
                    f"p50 {turn.full.p50_us / 1000:.2f} ms, p99 {turn.full.p99_us / 1000:.2f} ms; "
                    f"one connection p50 {turn.single.p50_us / 1000:.3f} ms; "
                    f"{turn.cpu_s * 1e6 / max(1, turn.full.requests):.0f} us of processor time a request; errors {turn.full.errors + turn.single.errors}"
                )
        for name, contestant in running.items():
            outcomes[name].journal = verified(contestant)
    return outcomes


def verified(contestant: contestants.Running) -> Journal | None:
    """The contestant's journal, if it keeps one."""
    if contestant.settings is None:
        return None
    words = [servers.own_program("zhongshu"), "ledger", "verify", "--config", str(contestant.settings), "--json"]
    done = subprocess.run(words, check=False, capture_output=True, timeout=300)
    return msgspec.json.decode(done.stdout, type=Journal)


def warm_up(contestant: contestants.Running, cores: machine.Cores) -> int:
    """Two seconds of load, not timed; the answers received."""
    seen = load.plain(contestant.door, core=cores.load, connections=CONNECTIONS, seconds=2)
    contestant.server.quiesce()
    return seen.requests


def take_turn(contestant: contestants.Running, cores: machine.Cores, seconds: float) -> Turn:
    """One connection first, then all of them, then wait for quiet."""
    single = load.plain(contestant.door, core=cores.load, connections=1, seconds=max(1.0, seconds / 2))
    contestant.server.quiesce()
    before = machine.cpu_s(contestant.server.pid)
    full = load.plain(contestant.door, core=cores.load, connections=CONNECTIONS, seconds=seconds)
    during = machine.cpu_s(contestant.server.pid)
    catch_up_s = contestant.server.quiesce()
    return Turn(full, single, catch_up_s, during - before, machine.cpu_s(contestant.server.pid) - during)


def report(outcomes: dict[str, Outcome]) -> list[Row]:
    """The rows of the table; Zhongshu's carry the targets."""
    direct = outcomes["direct"]
    found = [
        Row(name="mock upstream, direct, 32 connections", value=direct.rate(), unit="requests/s", note="no gateway")
    ]
    for name, outcome in outcomes.items():
        if name == "direct":
            continue
        ours = name == "zhongshu"
        found += _speed_rows(outcome, outcomes, ours)
        found.append(_added_row(outcome, direct, ours))
    return found


def _speed_rows(outcome: Outcome, outcomes: dict[str, Outcome], ours: bool) -> list[Row]:
    limit = outcomes.get("nginx")
    errors = outcome.errors()
    rate = outcome.rate() if not errors else None
    found = [
        Row(
            name=f"{outcome.title}, 32 connections",
            value=rate,
            unit="requests/s",
            reference=Reference("nginx", limit.rate()) if limit and limit is not outcome else None,
            target=rows.at_least(10_000) if ours else None,
            note=f"{errors} requests failed" if errors else outcome.skipped,
        )
    ]
    if ours:
        found += [_against(rate, outcome, key, peer) for key, peer in outcomes.items() if key in (*PEERS, "bare")]
    found += [
        Row(name=f"{outcome.title}, p50 at 32 connections", value=outcome.p50_ms(), unit="ms"),
        Row(
            name=f"{outcome.title}, p99 at 32 connections",
            value=outcome.p99_ms(),
            unit="ms",
            target=rows.at_most(5) if ours else None,
        ),
    ]
    later = outcome.us_later()
    found.append(
        Row(
            name=f"{outcome.title}, processor time for a request",
            value=outcome.us_a_request(),
            unit="us",
            reference=Reference("nginx", limit.us_a_request()) if limit and limit is not outcome else None,
            note=f"of it {rows.figure(later)} us after the load had ended" if later is not None else "",
        )
    )
    if ours:
        longest = max((turn.catch_up_s for turn in outcome.turns), default=None)
        note = "indexing, on the same core"
        found.append(Row(name=f"{outcome.title}, own work left after a turn", value=longest, unit="s", note=note))
        found.append(_journal_row(outcome))
    return found


def _journal_row(outcome: Outcome) -> Row:
    journal = outcome.journal
    share = min(1.0, journal.records / outcome.answered) if journal and journal.ok and outcome.answered else None
    note = f"{outcome.answered:,} answers, {journal.records:,} records" if journal else ""
    if journal and not journal.ok:
        note = "the chain does not verify"
    return Row(
        name=f"{outcome.title}, answered turns found in its verified journal",
        value=share,
        unit="share",
        target=rows.at_least(1),
        note=note,
    )


def _against(rate: float | None, outcome: Outcome, key: str, peer: Outcome) -> Row:
    return Row(
        name=f"{outcome.title} against {peer.title}",
        value=rate,
        unit="requests/s",
        reference=Reference(peer.title, peer.rate()),
        target=TARGETS.get(key),
    )


def _added_row(outcome: Outcome, direct: Outcome, ours: bool) -> Row:
    pairs = zip(outcome.single_ms(), direct.single_ms(), strict=False)
    return Row(
        name=f"{outcome.title}, p50 added at 1 connection",
        value=median([through - alone for through, alone in pairs]),
        unit="ms",
        reference=Reference("direct", median(direct.single_ms())),
        target=rows.at_most(0.25) if ours else None,
    )


def run(options: Options = Options()) -> list[Row]:  # noqa: B008 - a frozen value
    return report(measure(options))


def measure_running(port: int, key: str, seconds: float) -> list[Row]:
    """A server that somebody else started: nothing is pinned but the load."""
    door = load.Door(port=port, headers={"authorization": f"Bearer {key}"})
    core = machine.cores().load
    single = load.plain(door, core=core, connections=1, seconds=max(1.0, seconds / 2))
    full = load.plain(door, core=core, connections=CONNECTIONS, seconds=seconds)
    note = f"{full.errors + single.errors} errors"
    return [
        Row(name="32 connections", value=full.per_second, unit="requests/s", note=note),
        Row(name="p50 at 32 connections", value=full.p50_us / 1000, unit="ms"),
        Row(name="p99 at 32 connections", value=full.p99_us / 1000, unit="ms"),
        Row(name="p50 at 1 connection", value=single.p50_us / 1000, unit="ms", note="upstream included"),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    parser.add_argument("--only", default=",".join(contestants.ALL), help="servers, comma-separated")
    parser.add_argument("--direct", action="store_true", help="the mock upstream alone")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load at 32 connections in each turn")
    parser.add_argument("--port", type=int, help="measure a server that is already running there")
    parser.add_argument("--key", default="", help="its key")
    given = command.parsed(parser, arguments)
    if given.port:
        return command.finish(NAME, measure_running(given.port, given.key, given.seconds), given, keep=False)
    only = () if given.direct else tuple(name for name in given.only.split(",") if name)
    options = Options(only=only, rounds=given.rounds, seconds=given.seconds)
    return command.finish(NAME, run(options), given, keep=set(only) == set(contestants.ALL))


if __name__ == "__main__":
    sys.exit(main())
