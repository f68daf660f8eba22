"""The compiled mock upstream and stream client: what they say must be true. No timing is asserted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import contestants, load, machine, servers

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZHONGSHU_BENCH_CACHE", str(tmp_path_factory.mktemp("bench")))
        with servers.mock(machine.cores().load, interval_ms=1) as server:
            yield server


@pytest.fixture
def door(upstream: servers.Server) -> load.Door:
    load.reset_mock(upstream.port)
    return load.Door(port=upstream.port)


def test_plain_answer_is_a_chat_completion_with_usage(door: load.Door) -> None:
    status, body = load.ask(door, load.chat_body("mock"))

    answer = json.loads(body)
    assert status == 200
    assert answer["object"] == "chat.completion"
    assert answer["usage"]["total_tokens"] == 86
    assert load.mock_stats(door.port).plain == 1


def test_stream_holds_the_chunks_asked_for_then_stop_usage_and_done(door: load.Door) -> None:
    _, body = load.ask(door, load.chat_body("mock", chunks=3))

    events = [line[6:] for line in body.decode().splitlines() if line.startswith("data: ")]
    pieces = [json.loads(event) for event in events[:-1]]
    deltas = [piece["choices"][0]["delta"].get("content") for piece in pieces if piece["choices"]]
    assert events[-1] == "[DONE]"
    assert len([text for text in deltas if text]) == 3
    assert pieces[-2]["choices"][0]["finish_reason"] == "stop"
    assert pieces[-1]["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize(("words", "status"), [("[[mock:500]]", 500), ("[[mock:429]]", 429), ("mock:500", 200)])
def test_trouble_only_when_asked_for(door: load.Door, words: str, status: int) -> None:
    assert load.ask(door, load.chat_body("mock", words=words))[0] == status


def test_streams_are_counted_whole(door: load.Door) -> None:
    seen = load.streams(door, core=machine.cores().load, count=20, chunks=30, interval_ms=2)

    stats = load.mock_stats(door.port)
    assert (seen.complete, seen.refused, seen.failed, seen.cut, seen.timed_out) == (20, 0, 0, 0, 0)
    assert seen.chunks == stats.chunks == 20 * 30
    assert seen.delay.p50 is not None
    assert stats.finished == 20
    assert stats.left == 0


def test_what_comes_after_the_first_end_is_kept_apart(door: load.Door) -> None:
    alone = load.streams(door, core=machine.cores().load, count=1, chunks=30, interval_ms=2)
    left = load.streams(door, core=machine.cores().load, count=20, chunks=30, interval_ms=2, leave_after=20)

    for seen in (alone, left):  # nobody is left to wait for the end of another
        assert seen.jitter.p99 is not None
        assert seen.ending.p99 is None


def test_the_bare_proxy_hands_through_answers_and_streams(upstream: servers.Server) -> None:
    with contestants.bare(machine.cores().server, upstream.port) as running:
        load.check_plain("bare", running.door)
        load.check_stream("bare", running.door)


def test_a_cut_stream_is_not_complete(door: load.Door) -> None:
    seen = load.streams(door, core=machine.cores().load, count=3, chunks=10, interval_ms=1, words="[[mock:cut]]")

    assert (seen.complete, seen.cut, seen.chunks) == (0, 3, 15)


def test_clients_that_leave_are_seen_by_the_upstream(door: load.Door) -> None:
    seen = load.streams(
        door, core=machine.cores().load, count=5, chunks=100_000, interval_ms=1, leave_after=4, limit_s=20
    )

    stats = load.mock_stats(door.port)
    assert (seen.left, seen.chunks) == (5, 20)
    assert stats.streams == 5
    assert stats.chunks >= 20
    assert stats.finished == 0


def test_refusals_are_counted(door: load.Door) -> None:
    seen = load.streams(door, core=machine.cores().load, count=2, chunks=5, interval_ms=1, words="[[mock:500]]")

    assert (seen.refused, seen.complete, seen.chunks) == (2, 0, 0)


def test_a_process_tree_is_measured(upstream: servers.Server) -> None:
    before = machine.cpu_s(upstream.pid)

    held = machine.memory(upstream.pid)

    assert held.resident > held.own > 0
    assert machine.cpu_s(upstream.pid) >= before
    assert upstream.pid in machine.tree(upstream.pid)


def test_a_program_that_is_missing_says_how_to_get_it() -> None:
    with pytest.raises(servers.Unavailable, match="apt-get install no-such-package"):
        servers.program("no-such-program", "no-such-package")


def test_a_server_that_ends_at_start_says_why(tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.write_text("echo out of luck; exit 3")
    server = servers.Server("trial", ["sh", str(script)], core=machine.cores().load, port=servers.free_port())

    with pytest.raises(servers.Unavailable, match="out of luck"), server:
        pass


def test_an_answer_that_echoes_says_whose_it_is(door: load.Door) -> None:
    _, whole = load.ask(door, load.chat_body("mock", words="[[mock:echo=abc]]"))
    _, streamed = load.ask(door, load.chat_body("mock", chunks=2, words="[[mock:echo=abc]]"))
    _, usual = load.ask(door, load.chat_body("mock", words="mock:echo=abc"))

    assert json.loads(whole)["choices"][0]["message"]["content"] == "mock.abc"
    assert b'" mock.abc.0"' in streamed
    assert b'" mock.abc.1"' in streamed
    assert b"mock.abc" not in usual
