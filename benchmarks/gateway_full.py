"""What a gateway does beside passing on: translated streams, cache hits, canaries, fallbacks, routing - and its price.

    python -m benchmarks.gateway_full
    python -m benchmarks.gateway_full --only zhongshu --seconds 2 --rounds 1      quickly

Every case is measured beside the same server's plain case, in the same rounds, on one core. Zhongshu runs twice: as in
the `gateway` benchmark, and with everything configured at once (two releases under a canary, fallbacks, replicas of
models for `auto`, a cache): its plain case there says what all that costs a turn which uses none of it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager

import msgspec

from benchmarks import cache, command, contestants, load, machine, rows, servers
from benchmarks.figures import median
from benchmarks.rows import Reference, Row, Target

NAME = "gateway_full"
CONNECTIONS = 32
STREAMS, INTERVAL_MS = 100, 20.0
SERVERS = ("portkey", "litellm", "zhongshu")
FULL = """
[dispatch]
retries = 2

[[upstreams]]
name = "mock"
kind = "openai-compatible"
key = "none"
base_url = "http://127.0.0.1:{upstream}/v1"

[[upstreams]]
name = "other"
kind = "openai-compatible"
key = "none"
base_url = "http://localhost:{upstream}/v1"

[[models]]
name = "mock"
upstream = "mock"

[[models]]
name = "careful"
version = "1"
upstream = "mock"
upstream_model = "mock"
fallbacks = ["mock"]

[[models]]
name = "careful"
version = "2"
upstream = "other"
upstream_model = "mock"
fallbacks = ["mock"]

[[models]]
name = "cached"
upstream = "mock"
upstream_model = "mock"
cache = "exact"

[[models]]
name = "general"
upstream = "mock"
upstream_model = "mock"
tier = "general"

[[models]]
name = "reasoning"
upstream = "other"
upstream_model = "mock"
tier = "reasoning"
"""
CANARY = ("releases", "canary", "careful", "2", "--steps", "10", "--hold", "4h", "--sticky", "turn")
PORTKEY_CAREFUL = {
    "strategy": {"mode": "fallback"},
    "retry": {"attempts": 2},
    "targets": [
        {"strategy": {"mode": "loadbalance"}, "targets": [{"weight": 0.9}, {"weight": 0.1}]},
        {},
    ],
}


class Options(msgspec.Struct, frozen=True):
    """What is run, and how long each turn of each case lasts."""

    only: tuple[str, ...] = SERVERS
    rounds: int = 3
    seconds: float = 5.0


class Case(msgspec.Struct):
    """One way of asking one server, and what came of it in each round.

    against: the case of the same server that it is compared with, by its key. mark: what a right answer holds. words: what is added to a
    plain question.
    """

    key: str
    title: str
    door: load.Door
    running: contestants.Running
    against: str = ""
    target: Target | None = None
    streams: bool = False
    body_of: load.BodyOf = load.chat_body
    mark: bytes = b"can always be found again"
    words: str = ""
    plain: list[load.Plain] = []
    spent_us: list[float] = []
    """Processor time of the server in each round, for a request or a chunk, what it did afterwards included."""
    broken: int = 0

    @property
    def value(self) -> float | None:
        """The median of the rounds: requests a second, or microseconds for a chunk. None when a request failed."""
        if self.broken:
            return None
        return median(self.spent_us) if self.streams else median([seen.per_second for seen in self.plain])


@contextmanager
def full_zhongshu(core: int, upstream: int) -> Generator[contestants.Running]:
    """Zhongshu with everything on, its canary begun."""
    with contestants.started_zhongshu(core, FULL.format(upstream=upstream), "mock") as running:
        words = [servers.own_program("zhongshu"), *CANARY, "--config", str(running.settings)]
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise servers.Unavailable(f"the canary did not begin: {(done.stderr or done.stdout).strip()[-160:]}")
        yield running


def cases_of_zhongshu(plain: contestants.Running, full: contestants.Running) -> list[Case]:
    """Everything, with its bounds."""

    def at(running: contestants.Running, model: str, path: str = load.CHAT) -> load.Door:
        return msgspec.structs.replace(running.door, model=model, path=path)

    return [
        Case("plain", "Zhongshu, plain chat", at(plain, "mock"), plain),
        Case("idle", "Zhongshu, plain chat, everything configured, nothing used", at(full, "mock"), full, "plain"),
        Case(
            "careful", "Zhongshu, canary of two releases, fallback and retries on", at(full, "careful"), full, "plain"
        ),
        Case("new", "Zhongshu, the same, each question another", at(full, "mock"), full, words=load.NEW),
        Case(
            "auto", "Zhongshu, model auto, each question another", at(full, "auto"), full, "new",
            rows.ratio_at_least(0.9), words=load.NEW,
        ),
        Case("auto again", "Zhongshu, model auto, a question that comes again", at(full, "auto"), full, "idle"),
        Case("hit", "Zhongshu, exact cache hits", at(full, "cached"), full, "plain"),
        _stream_case("passed", "Zhongshu, OpenAI stream passed on", at(plain, "mock"), plain),
        _translated("Zhongshu", at(plain, "mock", load.MESSAGES), plain, rows.ratio_at_most(1.5)),
        Case(
            "careful stream", "Zhongshu, stream under canary, fallback and retries", at(full, "careful"), full,
            "passed", None, streams=True, mark=b"[DONE]",
        ),
    ]  # fmt: skip


def cases_of_portkey(running: contestants.Running) -> list[Case]:
    """Plain chat, and what its configuration header does. It answers streams of such hosts with 500 on Node 20 and 24."""
    headers = running.door.headers
    targets = {
        "provider": "openai",
        "api_key": contestants.KEY,
        "custom_host": headers["x-portkey-custom-host"],
    }

    def filled(part: object) -> object:
        """The strategy with the address in each of its ends."""
        if isinstance(part, dict):
            known = {name: filled(value) if name == "targets" else value for name, value in part.items()}
            return known if "targets" in part else targets | known
        return [filled(one) for one in part] if isinstance(part, list) else part

    wanted = msgspec.json.encode(filled(PORTKEY_CAREFUL)).decode()
    careful = msgspec.structs.replace(
        running.door, headers={"authorization": headers["authorization"], "x-portkey-config": wanted}
    )
    title = contestants.TITLES["portkey"]
    return [
        Case("plain", f"{title}, plain chat", running.door, running),
        Case("careful", f"{title}, shares of two targets, fallback and retries on", careful, running, "plain"),
    ]


def cases_of_litellm(running: contestants.Running) -> list[Case]:
    """Plain chat and both streams, by its own addresses for Anthropic's protocol."""
    title = contestants.TITLES["litellm"]
    messages = msgspec.structs.replace(running.door, path=load.MESSAGES)
    return [
        Case("plain", f"{title}, plain chat", running.door, running),
        _stream_case("passed", f"{title}, OpenAI stream passed on", running.door, running),
        _translated(title, messages, running),
    ]


def _stream_case(key: str, title: str, door: load.Door, running: contestants.Running) -> Case:
    return Case(key, title, door, running, streams=True, mark=b"[DONE]")


def _translated(title: str, door: load.Door, running: contestants.Running, target: Target | None = None) -> Case:
    return Case(
        "translated", f"{title}, Anthropic in, OpenAI out, stream translated", door, running, "passed", target,
        streams=True, body_of=load.message_body, mark=b"message_stop",
    )  # fmt: skip


class Outcome(msgspec.Struct):
    """The cases of one server, or why there are none. hit: own time of a cache hit."""

    title: str
    cases: list[Case] = []
    skipped: str = ""
    hit: cache.Latency | None = None


def measure(options: Options) -> dict[str, Outcome]:
    """Start every server, find out which cases it can do, let the cases take turns."""
    cores = machine.cores()
    outcomes = {name: Outcome(contestants.TITLES[name]) for name in options.only}
    with ExitStack() as stack:
        upstream = stack.enter_context(servers.mock(cores.load)).port
        for name, outcome in outcomes.items():
            try:
                outcome.cases = _able(_start(stack, name, cores.server, upstream), cores, outcome)
            except servers.Unavailable as reason:
                outcome.skipped = str(reason)
        for number in range(options.rounds):
            for outcome in outcomes.values():
                for case in outcome.cases:
                    _take_turn(case, cores, options.seconds, number)
        for case in outcomes["zhongshu"].cases if "zhongshu" in outcomes else ():
            if case.key == "hit":
                outcomes["zhongshu"].hit = cache.latency(case.running, "cached", "exact")
    return outcomes


def _start(stack: ExitStack, name: str, core: int, upstream: int) -> list[Case]:
    running = stack.enter_context(contestants.ALL[name](core, upstream))
    if name == "zhongshu":
        return cases_of_zhongshu(running, stack.enter_context(full_zhongshu(core, upstream)))
    return cases_of_portkey(running) if name == "portkey" else cases_of_litellm(running)


def _able(cases: list[Case], cores: machine.Cores, outcome: Outcome) -> list[Case]:
    """The cases that the server answers rightly, warmed up."""
    able: list[Case] = []
    for case in cases:
        try:
            load.check(case.title, case.door, body_of(case), case.mark)
        except servers.Unavailable as reason:
            if case.key == "plain":
                raise
            command.say(f"  left out: {reason}")
            outcome.skipped = f"{outcome.skipped} {reason}".strip()
            continue
        able.append(case)
        if not case.streams:
            load.plain(case.door, core=cores.load, connections=CONNECTIONS, seconds=1, body=body_of(case))
            case.running.server.quiesce()
    return able


def body_of(case: Case) -> bytes:
    """What a case sends; @@@@@@ in it is another word in each request."""
    if case.streams:
        return case.body_of(case.door.model, chunks=2, words="")
    return load.chat_body(case.door.model, words=case.words)


def _take_turn(case: Case, cores: machine.Cores, seconds: float, number: int) -> None:
    before = machine.cpu_s(case.running.server.pid)
    if case.streams:
        streamed = _streamed(case, cores, seconds)
        case.broken += streamed.count - streamed.complete
        done, said = streamed.chunks, ""
    else:
        seen = load.plain(case.door, core=cores.load, connections=CONNECTIONS, seconds=seconds, body=body_of(case))
        case.plain = [*case.plain, seen]
        case.broken += seen.errors
        done, said = seen.requests, f"{seen.per_second:,.0f} requests/s, p50 {seen.p50_us / 1000:.2f} ms, "
    case.running.server.quiesce()
    case.spent_us = [*case.spent_us, (machine.cpu_s(case.running.server.pid) - before) * 1e6 / max(1, done)]
    command.say(f"  round {number + 1}: {case.title}: {said}{case.spent_us[-1]:.1f} us; errors {case.broken}")


def _streamed(case: Case, cores: machine.Cores, seconds: float) -> load.Streams:
    """Streams of 50 chunks a second."""
    return load.streams(
        case.door,
        core=cores.load,
        count=10 if case.running.server.name == "LiteLLM" else STREAMS,
        chunks=round(seconds * 1000 / INTERVAL_MS),
        interval_ms=INTERVAL_MS,
        limit_s=seconds * 3 + 20,
        body_of=case.body_of,
    )


def report(outcomes: dict[str, Outcome]) -> list[Row]:
    """The rows of the table; Zhongshu's carry the targets."""
    found: list[Row] = []
    for outcome in outcomes.values():
        if not outcome.cases:
            found.append(Row(name=outcome.title, value=None, unit="requests/s", note=outcome.skipped))
        by_key = {case.key: case for case in outcome.cases}
        for case in outcome.cases:
            found.append(_row(case, by_key.get(case.against)))
            if not case.streams:
                p50 = median([seen.p50_us / 1000 for seen in case.plain])
                found.append(Row(name=f"{case.title}, p50 at 32 connections", value=p50, unit="ms"))
        if outcome.hit is not None:
            found.append(_hit_row(outcome.hit))
        found += _against(outcome, outcomes)
    return found


def _row(case: Case, base: Case | None) -> Row:
    spent = f"{rows.figure(median(case.spent_us))} us of processor time for a request" if case.spent_us else ""
    note = f"{1000 / INTERVAL_MS:g} chunks/s on each stream" if case.streams else spent
    return Row(
        name=f"{case.title}, processor time for a chunk" if case.streams else f"{case.title}, 32 connections",
        value=case.value,
        unit="us" if case.streams else "requests/s",
        reference=Reference(base.title, base.value) if base else None,
        target=case.target,
        note=f"{case.broken} requests failed" if case.broken else note,
    )


def _hit_row(hit: cache.Latency) -> Row:
    return Row(
        name="Zhongshu, exact cache hit, own time p50",
        value=hit.own_p50,
        unit="ms",
        target=rows.at_most(0.3),
        note=f"one connection, durable record included; p99 {hit.own_p99:.2f} ms; the client waited {hit.client_p50:.2f} ms",
    )


def _against(outcome: Outcome, outcomes: dict[str, Outcome]) -> list[Row]:
    """Zhongshu's cases beside the same ones of the others."""
    if outcome is not outcomes.get("zhongshu"):
        return []
    ours = {case.key: case for case in outcome.cases}
    return [
        Row(
            name=f"{ours[theirs.key].title}: against {other.title}",
            value=ours[theirs.key].value,
            unit="us" if theirs.streams else "requests/s",
            reference=Reference(theirs.title, theirs.value),
        )
        for other in outcomes.values()
        if other is not outcome
        for theirs in other.cases
        if theirs.key in ours
    ]


def run(options: Options = Options()) -> list[Row]:  # noqa: B008 - a frozen value
    return report(measure(options))


def main(arguments: Sequence[str] | None = None) -> int:
    defaults = Options()
    parser = command.parser(__doc__)
    parser.add_argument("--only", default=",".join(defaults.only), help="servers, comma-separated")
    parser.add_argument("--rounds", type=int, default=defaults.rounds)
    parser.add_argument("--seconds", type=float, default=defaults.seconds, help="of each case in each round")
    given = command.parsed(parser, arguments)
    only = tuple(name for name in given.only.split(",") if name)
    options = Options(only, given.rounds, given.seconds)
    return command.finish(NAME, run(options), given, keep=options == defaults)


if __name__ == "__main__":
    sys.exit(main())
