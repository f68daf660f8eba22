"""The user's text, sent through every kind of failure, is in no log line, metric, error, or file in clear."""

import asyncio
import os
import secrets
import signal
from pathlib import Path

import pytest

from tests.faults.asking import Asking, Reply, ask, begin, chat, request, send
from tests.faults.conftest import HASTY, port_of, settings_over
from tests.faults.judging import turns
from tests.running import KEY, SMOL, platform
from zhongshu.upstreams.scripted.script import SHIPPED

# Chinese, an emoji and a quote as well, each in a form that a log or a file might have it in.
MARK = f"geheim{secrets.token_hex(8)}"
TEXT = f'{MARK} 机密 "quoted" \U0001f600 {MARK}'
HANGING = {"mock-hang", "mock-hang-mid"}
SLOW = {"mock-slow", "mock-long", "mock-big"}


@pytest.fixture(scope="module")
def running(scripted, smol, tmp_path_factory):
    settings = settings_over(scripted, server=HASTY + 'log_level = "debug"\n')
    settings = settings.replace('key = "none"\n', 'key = "none"\nfirst_byte_s = 4.0\nidle_s = 4.0\n')
    with platform(tmp_path_factory.mktemp("private"), settings) as house:
        yield house


def in_an_error(reply: Reply) -> bool:
    """Whether an error, or an error event, says the user's text back. What was sent as the name of a model or a field
    is said back, and so is what an upstream itself tells its user."""
    if not reply.streamed and reply.status == 200:
        return False
    if not reply.streamed:
        named = reply.code in ("model_not_found", "upstream_refused") or MARK in (reply.json["error"]["param"] or "")
        return MARK.encode() in reply.body and not named
    return any("error" in event and MARK in str(event) for event in reply.events)


async def every_failure(running) -> list[Reply]:
    """All that can go wrong for a turn, with the text in it; what came back of it."""
    port = port_of(running)
    names = [name for name in SHIPPED if name not in SLOW]
    bodies = [chat(name, TEXT, stream=stream) for name in names for stream in (False, True)]
    bodies += [chat(SMOL, TEXT * 200), chat(SMOL, TEXT, tools=[{"type": "function"}]), chat("no-such-model", TEXT)]
    bodies += [
        chat("mock", TEXT, temperature=MARK),
        chat("mock", TEXT, **{MARK: 1}, n=0),
        {"model": "mock", MARK: TEXT},
    ]
    bodies += [chat("mock", TEXT, mock={"echo": True, "status": 400, "body": f'{{"error":{{"message":"{MARK}"}}}}'})]
    bodies += [chat("mock", TEXT, mock={"status": 422, "body": MARK, "content_type": "text/plain"})]
    raws = [request(body) for body in bodies]
    whole = request(chat("mock", TEXT))
    raws += [whole[:-5] + b"\xff\xff\xff\xff}", whole.replace(b'"messages"', b'"messages'), whole[: len(whole) - 10]]
    raws += [request(MARK.encode()), request(f'"{MARK}"'.encode()), request(chat("mock", TEXT), key=MARK)]
    raws += [request(b"", path=f"/v1/models/{MARK}", method="GET"), request(b"{}", path=f"/{MARK}")]
    raws += [MARK.encode() + b" / HTTP/1.1\r\n\r\n", request(chat("mock", TEXT), headers={"x": f"{MARK}\0"})]
    raws += [
        request({"name": MARK, MARK: 1}, path="/admin/v1/keys"),
        request(b'{"' + MARK.encode(), path="/admin/v1/keys"),
    ]
    raws += [request({"model": "mock", "prompt": TEXT, "max_tokens": -1}, path="/v1/completions")]
    raws += [request({"model": SMOL, "input": TEXT}, path="/v1/embeddings")]
    return list(await asyncio.gather(*(send(port, raw) for raw in raws)))


async def left_and_killed(running) -> None:
    """A client that leaves, and an engine that dies, in mid-answer."""
    port = port_of(running)
    (await begin(port, chat("mock-long", TEXT, stream=True))).leave(reset=True)
    (await Asking(port).open(request(chat("mock-slow", TEXT)))).leave()
    local = await begin(port, chat(SMOL, f"Repeat: {TEXT}", stream=True, max_tokens=200))
    for pid in running.children()["zhongshu.engine.process"]:
        os.kill(pid, signal.SIGKILL)
    await local.rest()


@pytest.mark.engine
async def test_the_users_text_is_nowhere_in_clear(running):
    replies = await every_failure(running)
    assert len(replies) > 100
    assert not [reply for reply in replies if reply.status in (0, 500)]
    told = [reply for reply in replies if in_an_error(reply)]
    assert not told, [reply.body[:300] for reply in told]
    await left_and_killed(running)
    assert (await ask(port_of(running), chat("mock-echo", TEXT))).text.count(MARK) == 2, "the text did go through"
    _, _, metrics = await asyncio.to_thread(running.ask, "/metrics")
    assert MARK not in metrics
    log = running.log.read_bytes()
    assert MARK.encode() not in log, log[max(0, log.index(MARK.encode()) - 300) :][:600]
    assert "Traceback" not in running.log.read_text()
    assert len(turns(running.home)) > 90
    files = {str(file.relative_to(running.home)): read(file) for file in running.home.rglob("*") if file.is_file()}
    assert not [name for name, held in files.items() if MARK.encode() in held]
    assert not [name for name, held in files.items() if KEY.encode() in held], "nor is the key"


def read(file: Path) -> bytes:
    """What it holds; a database's own files come and go."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""
