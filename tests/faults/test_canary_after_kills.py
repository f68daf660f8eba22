"""kill -9 of every worker: what goes on beside the supervisor - here the judge of canaries - still sees the database that
the next workers write, and they see what it decides."""

import os
import signal

from tests.running import over, platform
from tests.waiting import until
from zhongshu.upstreams.scripted.serve import serving

ROWS = "".join(
    f'[[models]]\nname = "m"\nversion = "{version}"\nupstream = "scripted"\nupstream_model = "{there}"\n'
    for version, there in {"1": "mock", "bad": "mock-500"}.items()
)
JUDGED = {"release": "bad", "steps": [50, 100], "min_turns": 20, "step_s": 1, "checks": {"error_rate": 0.01}}


def workers(running):
    return set(running.children().get("zhongshu.app.worker", ()))


def test_a_canary_is_judged_after_every_worker_was_killed(tmp_path):
    with serving() as upstream:
        settings = over(upstream.port, {"other": "mock"}, "[server]\nworkers = 2\n") + ROWS
        with platform(tmp_path, settings) as running:
            before = workers(running)
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            until(lambda: len(workers(running)) == 2 and not workers(running) & before)
            running.wait_ready()
            running.cli("keys", "list")  # a process that comes and goes must not take the write-ahead log along
            status, _, made = running.ask("/admin/v1/releases/canary", {"model": "m", **JUDGED})
            assert status == 200, made
            asked = iter(range(100_000))

            def turn():
                words = [{"role": "user", "content": "q"}]
                body = {"model": "m", "user": f"u{next(asked)}", "messages": words}
                return running.ask("/v1/chat/completions", body)[0]

            def went_back():
                turn()
                told = running.ask("/admin/v1/releases/history?model=m")[2]["data"]
                return told[0]["by"] == "canary" and told[0]

            change = until(went_back)
            assert change["what"] == "rollback"
            assert "error rate is worse" in change["why"]
            until(lambda: {turn() for _ in range(10)} == {200})
