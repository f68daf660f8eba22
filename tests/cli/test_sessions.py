"""`zhongshu sessions` on a state directory of its own."""

import asyncio
import json

from zhongshu.cli.sessions import app
from zhongshu.core.clock import SystemClock
from zhongshu.sessions.kept import Kept
from zhongshu.sessions.sessions import open_sessions
from zhongshu.sessions.settings import SessionsSettings


def remember(home, *turns):
    async def work():
        sessions = open_sessions(SessionsSettings(), home, SystemClock())
        for name, tenant in turns:
            await sessions.keep(Kept(id=name, tenant=tenant, created_ns=1_700_000_000 * 10**9, asked=b"secret"))
        await sessions.aclose()

    asyncio.run(work())


def test_listing_and_forgetting(home, run):
    remember(home, ("resp_1", "acme"), ("resp_2", "acme"), ("resp_3", "globex"))
    listed = json.loads(run(app, "list", "--json").stdout)
    assert [(row["tenant"], row["turns"], row["unfinished"]) for row in listed] == [("acme", 2, 0), ("globex", 1, 0)]
    assert "secret" not in run(app, "list").stdout
    assert run(app, "forget", "acme", "--turn", "resp_3").exit_code == 1
    assert "1 turns of acme" in run(app, "forget", "acme", "--turn", "resp_1").stdout
    assert run(app, "forget", "acme", input="n\n").exit_code == 1
    assert json.loads(run(app, "forget", "acme", "--yes", "--json").stdout) == {"tenant": "acme", "forgotten": 1}
    assert [row["tenant"] for row in json.loads(run(app, "list", "--json").stdout)] == ["globex"]


def test_nothing_remembered(home, run):
    assert "Nothing to show" in run(app, "list").stdout
