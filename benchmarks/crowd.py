"""A crowd: 1,000 clients, a fifth of whom leave in mid-stream, three upstreams of which one dies and returns.

    python -m benchmarks.crowd
    python -m benchmarks.crowd --minutes 1

Every answer is checked to be the one for its question, word for word (crowd_clients.py). After a third of the time one
of the upstreams is killed; after two thirds it is back on its port. At the end the journal is verified, and everything
that a client got a head for must stand in it once, with the outcome and the upstream that the client saw. Memory and sockets
of all processes of the server are watched. Linux only.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from benchmarks import command, contestants, figures, gateway, load, machine, rows, servers
from benchmarks.crowd_clients import NAMES, Crowd, Kind
from benchmarks.rows import Row
from zhongshu.core.records import Record
from zhongshu.ledger.payloads import Kept
from zhongshu.ledger.reader import entries
from zhongshu.ledger.segments import streams

NAME = "crowd"
DYING = 1
SAMPLE_S = 2.0
BLOCK_S = 20.0
LIMIT_KIB = 128.0
SETTLE_S = 20.0
"""How long after the last event, the upstream's return, memory is left out. An event is a step and no slope: while two
upstreams do the work of three, each has more connections than it ever had, and what they took is kept for the next time."""
SURE_MINUTES = 5.0
"""Below this a slope says nothing."""
SETTINGS = "\n".join(
    f"""
[[upstreams]]
name = "{name}"
kind = "openai-compatible"
key = "none"
base_url = "http://127.0.0.1:{{{name}}}/v1"

[[models]]
name = "crowd"
upstream = "{name}"
upstream_model = "mock"
"""
    for name in NAMES
)
OUTCOMES: dict[Kind, tuple[str, ...]] = {
    "whole": ("answered",),
    "left": ("left", "answered", "cut"),
    "broken": ("cut", "failed"),
    "refused": ("failed", "refused"),
}
"""What the record says of what a client saw. Who reads late may leave a stream that had already ended, well or badly."""


class Options(msgspec.Struct, frozen=True):
    """How long, and how many."""

    minutes: float = 10.0
    clients: int = 1000


class Sockets(msgspec.Struct, frozen=True):
    """TCP sockets of the server's processes. stray: neither with a client nor resting with an upstream."""

    clients: int
    upstreams: int
    stray: int


class Books(msgspec.Struct):
    """What the journal says of the run."""

    whole: bool = False
    lost: int = 0
    twice: int = 0
    otherwise: int = 0
    """Records that tell another outcome, or another upstream, than the client saw."""
    why: Counter[str] = msgspec.field(default_factory=Counter)
    """Tries beyond the first, by reason."""
    errors: Counter[str] = msgspec.field(default_factory=Counter)


class Outcome(msgspec.Struct):
    """Everything that was seen. memory: seconds since the start, bytes. states: of breakers, as they changed."""

    crowd: Crowd | None = None
    memory: list[tuple[float, float]] = []
    most_sockets: int = 0
    sockets: Sockets | None = None
    still_open: int = 0
    states: list[str] = []
    books: Books = msgspec.field(default_factory=Books)
    skipped: str = ""


class Upstreams:
    """Three mocks, one of which can be killed and started again on its port."""

    def __init__(self, stack: ExitStack, core: int) -> None:
        self._core, self._stack = core, stack
        self.servers = [stack.enter_context(servers.mock(core, name=name)) for name in NAMES]

    @property
    def ports(self) -> list[int]:
        return [server.port for server in self.servers]

    def kill(self) -> None:
        """No goodbye: connections are reset, and nobody listens any more."""
        os.kill(self.servers[DYING].pid, signal.SIGKILL)

    def revive(self) -> None:
        """The same port, another process."""
        again = servers.mock(self._core, name=NAMES[DYING], port=self.servers[DYING].port)
        self.servers[DYING] = self._stack.enter_context(again)


def measure(options: Options) -> Outcome:
    """Start everything, let the crowd loose, kill and revive, and look at the books."""
    cores = machine.cores()
    outcome = Outcome()
    try:
        with ExitStack() as stack:
            upstreams = Upstreams(stack, cores.load)
            settings = SETTINGS.format(**dict(zip(NAMES, upstreams.ports, strict=True)))
            running = stack.enter_context(contestants.started_zhongshu(cores.server, settings, "crowd"))
            load.check_plain("Zhongshu", running.door)
            stack.enter_context(_on_core(cores.load))
            outcome.crowd = crowd = Crowd(running.door, options.clients)
            asyncio.run(_play(crowd, running, upstreams, options, outcome))
            running.server.quiesce()
            outcome.sockets = sockets(running.server, upstreams.ports)
            outcome.still_open = sum(load.mock_stats(port).open for port in upstreams.ports)
            outcome.books = audit(running, crowd)
    except servers.Unavailable as reason:
        outcome.skipped = str(reason)
    return outcome


@contextmanager
def _on_core(core: int) -> Generator[None]:
    """This process, whose clients are the load, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


async def _play(
    crowd: Crowd, running: contestants.Running, upstreams: Upstreams, options: Options, outcome: Outcome
) -> None:
    loop = asyncio.get_running_loop()
    start, length = loop.time(), options.minutes * 60
    async with asyncio.TaskGroup() as group:
        group.create_task(crowd.run(start + length))
        group.create_task(_watch(running, start, length, outcome))
        await asyncio.sleep(length / 3)
        upstreams.kill()
        command.say(f"  {loop.time() - start:.0f} s: {NAMES[DYING]} is killed; {dict(crowd.kinds)}")
        await asyncio.sleep(length / 3)
        await asyncio.to_thread(upstreams.revive)
        command.say(f"  {loop.time() - start:.0f} s: {NAMES[DYING]} is back; {dict(crowd.kinds)}")


async def _watch(running: contestants.Running, start: float, length: float, outcome: Outcome) -> None:
    """Memory, sockets and breakers, every two seconds."""
    now = asyncio.get_running_loop().time
    states: dict[str, str] = {}
    while (at := now() - start) < length:
        outcome.memory.append((at, machine.memory(running.server.pid).own))
        outcome.most_sockets = max(outcome.most_sockets, len(_inodes(running.server.pid)))
        for name, state in (await asyncio.to_thread(_breakers, running.door)).items():
            if states.get(name, "closed") != state:
                outcome.states.append(f"{at:.0f} s {name} {state}")
            states[name] = state
        await asyncio.sleep(SAMPLE_S)


def _breakers(door: load.Door) -> dict[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=10)
    try:
        connection.request("GET", "/admin/v1/upstreams/health", headers=dict(door.headers))
        data = msgspec.json.decode(connection.getresponse().read()).get("data", [])
        return {"/".join(filter(None, (row["upstream"], row["model"]))): row["state"] for row in data}
    except OSError:
        return {}
    finally:
        connection.close()


def _inodes(pid: int) -> set[str]:
    """The sockets that the process tree holds, of any family."""
    found: set[str] = set()
    for member in machine.tree(pid):
        try:
            targets = [os.readlink(link) for link in Path(f"/proc/{member}/fd").iterdir()]
        except OSError:  # it has ended, or closed one meanwhile
            continue
        found.update(target[8:-1] for target in targets if target.startswith("socket:["))
    return found


def sockets(server: servers.Server, upstreams: Sequence[int]) -> Sockets:
    """The TCP sockets of the server now, but for those that listen (proc(5), net/tcp)."""
    own, clients, resting, stray = _inodes(server.pid), 0, 0, 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote, state = int(fields[1][-4:], 16), int(fields[2][-4:], 16), fields[3]
        if fields[9] not in own or state == "0A":
            continue
        if local == server.port:
            clients += 1
        elif remote in upstreams and state == "01":
            resting += 1
        else:
            stray += 1
    return Sockets(clients, resting, stray)


def audit(running: contestants.Running, crowd: Crowd) -> Books:
    """Verify the journal, and hold every record against what its client saw."""
    assert running.settings is not None
    verified = gateway.verified(running)
    books = Books(whole=verified is not None and verified.ok)
    missing = dict(crowd.acknowledged)
    found: set[str] = set()
    home = running.settings.parent / "home"
    for stream in streams(home):
        for entry in entries(home, stream):
            if not isinstance(entry.content, Kept):
                continue
            record = entry.content.record
            books.twice += record.trace in found
            found.add(record.trace)
            _count(books, record, missing.pop(record.trace, None))
    books.lost = len(missing)
    return books


def _count(books: Books, record: Record, seen: tuple[Kind, str] | None) -> None:
    books.why.update(attempt.why for attempt in record.attempts[1:])
    books.errors.update(attempt.error for attempt in record.attempts if attempt.error)
    if seen is None or seen[0] == "wrong":
        return
    kind, name = seen
    if record.outcome not in OUTCOMES[kind] or (name and record.upstream != name):
        books.otherwise += 1


def report(outcome: Outcome, options: Options) -> list[Row]:
    """What must not be, each with its bound; then what was seen."""
    title = f"Crowd of {options.clients:,}, {options.minutes:g} minutes"
    crowd, books = outcome.crowd, outcome.books
    if crowd is None or outcome.skipped:
        return [Row(name=title, value=None, unit="answers", target=rows.at_most(0), note=outcome.skipped)]
    kinds = crowd.kinds

    def none(name: str, value: float, unit: str, note: str = "") -> Row:
        return Row(name=f"{title}: {name}", value=value, unit=unit, target=rows.at_most(0), note=note)

    found = [
        none("wrong answers", kinds["wrong"], "answers", _counted(crowd.why, "wrong: ")),
        none("journal not whole", 0 if books.whole else 1, "journals"),
        none("acknowledged turns lost", books.lost, "turns", f"of {len(crowd.acknowledged):,}"),
        none("recorded twice", books.twice, "turns"),
        none("recorded otherwise than seen", books.otherwise, "turns", "outcome or upstream"),
        _memory_row(title, outcome, options),
        *_socket_rows(title, outcome),
        Row(name=f"{title}: answered whole", value=kinds["whole"], unit="turns", note=_counted(crowd.by_name)),
        Row(name=f"{title}: left in mid-stream", value=kinds["left"], unit="turns"),
        Row(
            name=f"{title}: broken off with an error event",
            value=kinds["broken"],
            unit="turns",
            note=_counted(crowd.why, "broken: ") or "streams that the dead upstream had begun",
        ),
        Row(name=f"{title}: refused", value=kinds["refused"], unit="turns", note=_counted(crowd.why, "refused: ")),
        Row(
            name=f"{title}: tries beyond the first",
            value=books.why.total(),
            unit="tries",
            note=f"{_counted(books.why)}; failed: {_counted(books.errors)}",
        ),
        Row(
            name=f"{title}: changes of breakers",
            value=len(outcome.states),
            unit="changes",
            note="; ".join(outcome.states),
        ),
    ]
    return found


def _memory_row(title: str, outcome: Outcome, options: Options) -> Row:
    """As in `soak`: private memory of all processes, averaged over 20 s, once everything has happened."""
    last_event = options.minutes * 60 * 2 / 3
    before = [held for at, held in outcome.memory if at < last_event / 2]
    counted = [point for point in outcome.memory if point[0] >= last_event + SETTLE_S]
    line = figures.slope(figures.blocks(counted, BLOCK_S)) if options.minutes >= SURE_MINUTES else None
    most = max((held for _, held in outcome.memory), default=0.0) / 2**20
    note = f"in the last third; at most {most:.0f} MiB, {max(before, default=0.0) / 2**20:.0f} before the upstream died"
    if line:
        note += f"; 95% interval {line.low * 60 / 1024:+.1f} to {line.high * 60 / 1024:+.1f} KiB/min"
    return Row(
        name=f"{title}: memory grows by",
        value=line.value * 60 / 1024 if line else None,
        unit="KiB/min",
        target=rows.at_most(LIMIT_KIB),
        note=note if line else f"{note}; a slope needs {SURE_MINUTES:g} minutes",
    )


def _socket_rows(title: str, outcome: Outcome) -> list[Row]:
    left = outcome.sockets
    strays = left.clients + left.stray if left else None
    note = f"{left.upstreams} rest with upstreams; at most {outcome.most_sockets:,} in the run" if left else ""
    return [
        Row(name=f"{title}: sockets left", value=strays, unit="sockets", target=rows.at_most(0), note=note),
        Row(
            name=f"{title}: streams that upstreams still send",
            value=outcome.still_open,
            unit="streams",
            target=rows.at_most(0),
        ),
    ]


def _counted(counts: Counter[str], start: str = "") -> str:
    """ "502 a, 3 b", the most frequent first, of those that begin with `start`, without it."""
    return ", ".join(
        f"{count:,} {name.removeprefix(start)}" for name, count in counts.most_common() if name.startswith(start)
    )


def run(options: Options = Options()) -> list[Row]:  # noqa: B008 - a frozen value
    return report(measure(options), options)


def main(arguments: Sequence[str] | None = None) -> int:
    defaults = Options()
    parser = command.parser(__doc__)
    parser.add_argument("--minutes", type=float, default=defaults.minutes)
    parser.add_argument("--clients", type=int, default=defaults.clients)
    given = command.parsed(parser, arguments)
    options = Options(given.minutes, given.clients)
    began = time.monotonic()
    found = run(options)
    command.say(f"  {time.monotonic() - began:.0f} s in all")
    return command.finish(NAME, found, given, keep=options == defaults)


if __name__ == "__main__":
    sys.exit(main())
