"""The worker's side, against a manager that is not there or speaks nonsense."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests.waiting import eventually
from zhongshu.core.problems import Fault, problem
from zhongshu.engine.client import EngineClient
from zhongshu.engine.messages import (
    Acquire,
    Address,
    FromManager,
    FromWorker,
    Gone,
    Granted,
    Recall,
    Refused,
    Release,
    unavailable,
)


class Manager:
    """Grants every model at once and writes down what it was told."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.generation = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        while line := await reader.readline():
            message = msgspec.json.decode(line, type=FromWorker)
            self.heard.append(message)
            if isinstance(message, Acquire):
                self.generation += 1
                self.say(Granted(message.id, Address(f"http://{message.model}", "k", self.generation, 512, 1)))
        writer.close()

    def say(self, message: FromManager) -> None:
        for writer in self.writers:
            writer.write(msgspec.json.encode(message) + b"\n")

    def count(self, kind: type) -> int:
        return sum(isinstance(message, kind) for message in self.heard)


@pytest.fixture
async def manager(tmp_path: Path):
    serving = Manager()
    server = await asyncio.start_unix_server(serving.serve, tmp_path / "engine.sock")
    yield serving
    server.close()


@pytest.fixture
async def client(tmp_path: Path, manager: Manager):
    made = EngineClient(tmp_path / "engine.sock", linger_s=30)
    yield made
    await made.aclose()


async def settle() -> None:
    """Let what is on its way arrive."""
    for _ in range(5):
        await asyncio.sleep(0.01)


async def test_a_hundred_uses_ask_once(client: EngineClient, manager: Manager):
    for _ in range(100):
        async with client.use("m") as address:
            assert address.url == "http://m"
    assert manager.heard == [Acquire(1, "m")]


async def test_a_recalled_model_is_released_when_its_last_request_ends(client: EngineClient, manager: Manager):
    async with client.use("m"), client.use("m"):
        manager.say(Recall("m", 1))
        await settle()
        assert manager.count(Release) == 0
    await eventually(lambda: manager.count(Release))
    assert manager.heard[-1] == Release("m", 1, 2)


async def test_an_idle_recalled_model_is_released_at_once(client: EngineClient, manager: Manager):
    async with client.use("m"):
        pass
    manager.say(Recall("m", 1))
    await eventually(lambda: manager.count(Release))
    assert manager.heard[-1] == Release("m", 1, 1)


async def test_a_recall_of_an_older_process_changes_nothing(client: EngineClient, manager: Manager):
    async with client.use("m"):
        pass
    manager.say(Recall("m", 0))
    manager.say(Gone("m", 0))
    await settle()
    async with client.use("m") as address:
        assert address.generation == 1


async def test_an_address_that_has_gone_is_asked_for_anew(client: EngineClient, manager: Manager):
    async with client.use("m"):
        pass
    manager.say(Gone("m", 1))

    async def anew() -> bool:
        async with client.use("m") as address:
            return address.generation == 2

    await eventually(anew)


async def test_no_manager_says_how_to_start_it(tmp_path: Path):
    client = EngineClient(tmp_path / "none.sock")
    with pytest.raises(Fault, match="engine_unavailable") as refused:
        await client.use("m").__aenter__()
    assert "zhongshu up" in refused.value.problem.message
    assert "zhongshu up" in refused.value.problem.message_zh
    await client.aclose()


async def test_a_refusal_arrives_word_for_word(tmp_path: Path):
    told = unavailable("m", "of this", "因此", retry_after_s=2.5)

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        message = msgspec.json.decode(await reader.readline(), type=FromWorker)
        assert isinstance(message, Acquire)
        writer.write(msgspec.json.encode(Refused(message.id, told)) + b"\n")

    server = await asyncio.start_unix_server(refuse, tmp_path / "engine.sock")
    client = EngineClient(tmp_path / "engine.sock")
    with pytest.raises(Fault) as refused:
        await client.use("m").__aenter__()
    assert refused.value.problem == told
    assert told.message == problem("engine_unavailable", model="m", why="of this").message
    assert "因此" in told.message_zh
    await client.aclose()
    server.close()
