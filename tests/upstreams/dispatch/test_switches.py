"""Switches in the state database: every process that follows them has them, whoever set them."""

from tests.waiting import eventually
from zhongshu.core.clock import FakeClock
from zhongshu.storage.database import open_database
from zhongshu.storage.revisions import Follower
from zhongshu.upstreams.dispatch.board import Board, Switch
from zhongshu.upstreams.dispatch.reports import report
from zhongshu.upstreams.dispatch.switches import Switches, follow_switches


async def test_two_processes_follow_one_switch(tmp_path):
    database, clock = open_database(tmp_path / "state.db"), FakeClock()
    switches = Switches(database, clock)
    switches.set("a", "", "open")
    boards = [Board(clock), Board(clock)]
    followers = [Follower(open_database(tmp_path / "state.db"), poll_s=0.01) for _ in boards]
    for board, follower in zip(boards, followers, strict=True):
        follow_switches(board, switches, follower)
        await follower.start()
    assert [board.replica("a", "m").passes(0) for board in boards] == [False, False], "from before the start too"
    Switches(open_database(tmp_path / "state.db"), clock).set("a", "", "auto")
    switches.set("a", "m", "closed")
    await eventually(lambda: all(board.replica("a", "m").breaker.forced == "closed" for board in boards))
    assert [board.host("a").breaker.forced for board in boards] == ["auto", "auto"]
    assert switches.all() == (Switch("a", "m", "closed"),)
    for follower in followers:
        await follower.aclose()


def test_a_report_without_a_worker_still_tells_what_was_set():
    rows = report({}, [("a", ""), ("a", "m")], [Switch("b", "gone", "open")])
    assert [(row.upstream, row.model, row.state, row.forced, row.workers) for row in rows] == [
        ("a", "", "closed", "auto", ()),
        ("a", "m", "closed", "auto", ()),
        ("b", "gone", "closed", "open", ()),
    ]
