"""Releases switched under live traffic, by two workers: no turn is lost, and 2 s after a change none goes the old way."""

import asyncio
import itertools
import json
import signal
import time

import pytest

from tests.faults.asking import ask, chat
from tests.faults.conftest import SERVER, port_of
from tests.faults.judging import lost, turn, turns, verified
from tests.faults.load import load
from tests.holding import HELD, Holding
from tests.running import over, platform
from tests.waiting import eventually
from zhongshu.ledger.index import open_index
from zhongshu.ledger.rows import EventFilter, TurnRow
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.upstreams.scripted.serve import serving

WORKERS = {"worker-0", "worker-1"}
BODIES = tuple(
    chat("m", stream=stream, user=f"user-{number}") for number, stream in enumerate(itertools.islice(itertools.cycle((False, False, True)), 8))
)  # fmt: skip
RELEASES = {"2": "mock-echo", "bad": "mock-500", "slow": HELD}


def settings(port: int) -> str:
    rows = "".join(
        f'[[models]]\nname = "m"\nversion = "{version}"\nupstream = "scripted"\nupstream_model = "{there}"\n'
        for version, there in RELEASES.items()
    )
    return over(port, {"m": "mock"}, SERVER + "workers = 2\n") + rows


@pytest.fixture(scope="module")
def holding():
    with serving(Holding()) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def running(holding, tmp_path_factory):
    with platform(tmp_path_factory.mktemp("releases"), settings(holding.port)) as up:
        yield up


async def change(running, action, **wanted):
    """By HTTP; when the reply was there."""
    status, _, made = await asyncio.to_thread(running.ask, f"/admin/v1/releases/{action}", {"model": "m", **wanted})
    assert status == 200, made
    return made, time.time_ns()


def since(home, at_ns, until_ns=1 << 62):
    return [row for row in turns(home) if at_ns < row.at_ns < until_ns and not row.shadow_of]


async def seen_by_all(running, at_ns, releases):
    """Wait until both workers answer by these releases and no other; after how many seconds that was so."""

    def newest() -> list[TurnRow]:
        return sorted(since(running.home, at_ns), key=lambda row: row.at_ns)[-60:]

    def everywhere() -> bool:
        rows = newest()
        return {row.stream for row in rows} == WORKERS and {row.release_name for row in rows} == releases

    await eventually(lambda: asyncio.to_thread(everywhere))
    old = [row.at_ns for row in since(running.home, at_ns) if row.release_name not in releases]
    return (max(old, default=at_ns) - at_ns) / 1e9


async def test_a_switch_loses_no_turn_and_is_seen_by_all_workers_within_two_seconds(running):
    """A machine that stands still may take longer once; no switch is ever half done."""
    both, took, calm = {"m@1", "m@2"}, [], []
    async with load(lambda: port_of(running), BODIES) as seen:
        _, at_ns = await change(running, "split", shares={"1": 50, "2": 50}, sticky="turn")
        await seen_by_all(running, at_ns, both)
        for action, wanted, releases in (
            ("promote", {"release": "2"}, {"m@2"}),
            ("rollback", {}, both),
            ("promote", {"release": "1"}, {"m@1"}),
        ):
            _, at_ns = await change(running, action, **wanted)
            took.append(await seen_by_all(running, at_ns, releases))
            from_ns, number = time.time_ns(), len(seen.acknowledged)
            await eventually(lambda number=number: len(seen.acknowledged) > number + 60)
            calm.append((releases, from_ns, time.time_ns()))
    assert min(took[0], took[2]) < 2
    assert len(seen.acknowledged) > 200
    assert not seen.wrong
    assert not seen.broken
    assert not seen.codes
    assert not lost(running.home, seen.acknowledged)
    for releases, from_ns, to_ns in calm:
        assert {row.release_name for row in since(running.home, from_ns, to_ns)} == releases


async def test_a_bad_canary_goes_back_by_itself(running):
    await change(running, "promote", release="1")
    async with load(lambda: port_of(running), BODIES) as seen:
        made, _ = await change(running, "canary", release="bad", steps=[20, 50], step_s=60, sticky="turn")
        assert made["after"]["canary"]["release"] == "bad"
        back = await eventually(lambda: newest(running, "rollback"), seconds=120)
        await seen_by_all(running, time.time_ns(), {"m@1"})
        behind_ns, number = time.time_ns(), len(seen.acknowledged)
        await eventually(lambda: len(seen.acknowledged) > number + 60)
    assert back["by"] == "canary"
    assert "error rate is worse by" in back["why"]
    assert "错误率" in back["why_zh"]
    assert set(seen.codes) == {"upstream_error"}, "what the canary broke was seen; nothing else was"
    assert not seen.wrong
    after = since(running.home, behind_ns)
    assert after
    assert {row.release_name for row in after} == {"m@1"}
    events = open_index(LedgerSettings(), running.home).events(EventFilter(name="release_changed"))
    assert {"canary", "releases"} <= {entry.content.facts["by"] for entry in events} | {
        entry.stream for entry in events
    }
    verified(running)


async def shadowed(running):
    """Turns asked for until one has a shadow: the workers know of the change a moment later."""
    asked = []

    def found():
        shadows = {row.shadow_of for row in turns(running.home)}
        return next((reply for reply in asked if reply.trace in shadows), None)

    async def one():
        reply = await ask(port_of(running), chat("m", "shadow this"))
        assert reply.acknowledged
        asked.append(reply)
        return await asyncio.to_thread(found)

    return await eventually(one)


async def test_a_shadow_repeats_turns_and_delays_none(running, holding):
    await change(running, "promote", release="1")
    await change(running, "shadow", release="2", percent=100)
    reply = await shadowed(running)
    assert "Hello" in reply.text
    (shadow,) = turns(running.home, shadow_of=reply.trace)
    own = turn(running.home, reply.trace)
    assert shadow.release_name == "m@2"
    assert shadow.written_ns > own.written_ns
    sides = json.loads(running.cli("releases", "compare", reply.trace, "--json"))
    assert [side["release"] for side in sides] == ["m@1", "m@2"]
    assert "shadow this" in sides[1]["answer"][0]["text"]
    await change(running, "shadow", release="slow")

    async def several() -> bool:
        assert (await ask(port_of(running), chat("m"))).acknowledged, "while no shadow gets an answer"
        return holding.app.stats.in_flight >= 5

    await eventually(several)
    await change(running, "shadow", release=None)
    holding.app.let_go()


async def test_a_canary_whose_supervisor_is_killed_goes_on_where_it_was(scripted, tmp_path):
    with platform(tmp_path, settings(scripted.port)) as first:
        checks = {"error_rate": 0.2, "latency": None}
        async with load(lambda: port_of(first), BODIES):
            await change(
                first, "canary", release="2", steps=[50], min_turns=250, step_s=0, checks=checks, sticky="turn"
            )
            await eventually(lambda: asyncio.to_thread(lambda: len(turns(first.home)) > 120))
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(60)
    before = len(turns(tmp_path / "home"))
    with platform(tmp_path, settings(scripted.port)) as second:
        async with load(lambda: port_of(second), BODIES):
            promoted = await eventually(lambda: newest(second, "promote"), seconds=120)
    assert promoted["by"] == "canary"
    assert promoted["before"]["canary"]["step_ns"], "the same step"
    counted = sum(int(part) for part in promoted["why"].rpartition("(")[2].rstrip(")").split() if part.isdigit())
    assert counted > 250, "turns from before the kill count"
    assert before > 120


async def newest(running, what):
    """The newest change, if it is of this kind."""
    _, _, history = await asyncio.to_thread(running.ask, "/admin/v1/releases/history?model=m&limit=1")
    found = history["data"]
    return found[0] if found and found[0]["what"] == what else None
