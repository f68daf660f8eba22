"""The scripted upstream: what it counts, how a script and a request change it, and its documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import SHIPPED, Behaviour, load
from zhongshu.upstreams.scripted.serve import Served, serving
from zhongshu.upstreams.transport import HttpTransport, Request

DOC = Path(__file__).parents[3] / "docs" / "scripted-upstream.md"


async def ask(served: Served, path: str, body: Any = None, method: str = "POST") -> tuple[int, Any]:
    transport = HttpTransport("scripted", f"http://127.0.0.1:{served.port}")
    response = await transport.send(Request(method, path, b"" if body is None else msgspec.json.encode(body)))
    await transport.aclose()
    return response.status, msgspec.json.decode(response.body)


async def test_it_is_deterministic() -> None:
    answers = []
    for _ in range(2):
        with serving() as served:
            answers.append(await ask(served, "/v1/chat/completions", {"model": "mock-tools", "messages": []}))
    assert answers[0] == answers[1]


async def test_it_counts() -> None:
    with serving() as served:
        for model in ("mock", "mock", "mock-500"):
            await ask(served, "/v1/chat/completions", {"model": model, "messages": []})
        _, stats = await ask(served, "/stats", method="GET")
        assert stats["requests"] == 3
        assert stats["by_model"] == {"mock": 2, "mock-500": 1}
        assert stats["tokens_sent"] == 16
        assert (stats["in_flight"], stats["left"]) == (0, 0)
        await ask(served, "/stats", method="DELETE")
        assert (await ask(served, "/stats", method="GET"))[1]["requests"] == 0


async def test_a_request_may_change_its_behaviour(served: Served) -> None:
    body = {"model": "mock-400", "messages": [], "mock": {"status": 200, "text": "changed"}}
    status, reply = await ask(served, "/v1/chat/completions", body)
    assert (status, reply["choices"][0]["message"]["content"]) == (200, "changed")


@pytest.mark.parametrize("change", [{"status": "x"}, {"unknown": 1}, 5])
async def test_a_change_that_makes_no_sense_is_refused(served: Served, change: Any) -> None:
    status, reply = await ask(served, "/v1/chat/completions", {"messages": [], "mock": change})
    assert status == 400
    assert "cannot be read" in reply["error"]["message"]


async def test_a_sequence() -> None:
    with serving() as served:
        statuses = [
            (await ask(served, "/v1/chat/completions", {"model": "mock-once-500", "messages": []}))[0] for _ in range(3)
        ]
    assert statuses == [500, 200, 200]


async def test_a_script_file(tmp_path: Path) -> None:
    file = tmp_path / "script.toml"
    file.write_text('[models.mine]\ntext = "own words"\nthought = "hm"\nbroken = {after = 2, how = "cut"}\n')
    script = load(file)
    assert script.models["mine"].broken is not None
    with serving(ScriptedApp(script)) as served:
        assert "mine" in [model["id"] for model in (await ask(served, "/v1/models", method="GET"))[1]["data"]]
    for bad in ("[models.x]\ntxt = 1\n", "not toml", "[models.x]\nstatus = 'a'\n"):
        file.write_text(bad)
        with pytest.raises(ValueError, match=r"script\.toml: "):
            load(file)
    with pytest.raises(ValueError, match=r"absent\.toml: "):
        load(tmp_path / "absent.toml")


async def test_what_there_is_not(served: Served) -> None:
    assert (await ask(served, "/v1/nothing"))[0] == 404
    assert (await ask(served, "/v1/chat/completions", method="GET"))[0] == 404
    assert (await ask(served, "/v1/chat/completions", [1]))[0] == 400


async def test_a_tool_that_must_be_called_is_called(served: Served) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "g"}}]
    for choice, name in (("required", "f"), ({"type": "function", "function": {"name": "g"}}, "g")):
        body = {"messages": [], "tools": tools, "tool_choice": choice}
        message = (await ask(served, "/v1/chat/completions", body))[1]["choices"][0]["message"]
        assert [call["function"]["name"] for call in message["tool_calls"]] == [name]
    message = (await ask(served, "/v1/chat/completions", {"messages": [], "tools": tools}))[1]["choices"][0]["message"]
    assert "tool_calls" not in message


def test_the_documentation_names_every_model_and_every_field() -> None:
    text = DOC.read_text(encoding="utf-8")
    fields = [field.name for field in msgspec.structs.fields(Behaviour)]
    missing = [name for name in (*SHIPPED, *fields) if f"`{name}`" not in text]
    assert missing == []
    named = set(re.findall(r"`(mock-[a-z0-9-]+)`", text))
    assert named <= set(SHIPPED)
    print(f"{len(SHIPPED)} models and {len(fields)} fields compared")


def test_the_script_shown_in_the_documentation_loads(tmp_path: Path) -> None:
    shown = re.findall(r"```toml script\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    for text in shown:
        file = tmp_path / "script.toml"
        file.write_text(text, encoding="utf-8")
        assert load(file).models
