"""Administration is not loaded before it is asked for."""

import asyncio
import subprocess
import sys

LOADED = "import sys, zhongshu.api.surface, zhongshu.api.admin.later; print([m for m in {} if m in sys.modules])"


def test_importing_the_api_loads_nothing_heavy():
    heavy = ["fastapi", "pydantic", "torch", "transformers", "xllamacpp"]
    out = subprocess.run(
        [sys.executable, "-c", LOADED.format(heavy)], capture_output=True, check=True, text=True
    ).stdout
    assert out.strip() == "[]"


async def test_built_once_for_many_first_requests(desk):
    replies = await asyncio.gather(*(desk.call("GET", "/admin/v1/whoami") for _ in range(5)))
    assert [reply.status for reply in replies] == [200] * 5
