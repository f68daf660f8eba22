"""Loading, sharing, evicting, crashing: with real processes of the smallest model."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from pyreqwest.client import ClientBuilder

from tests.engine.serving import SMALL, TINY, model_file, spec
from tests.waiting import eventually
from zhongshu.core.problems import Fault
from zhongshu.engine.client import EngineClient
from zhongshu.engine.local import LocalEngine
from zhongshu.engine.messages import ModelStatus
from zhongshu.engine.settings import EngineSettings, EngineSpec

pytestmark = pytest.mark.engine
_LINGER_S = 0.05
_TWO_MODELS_BYTES = 800 * 1024 * 1024


@asynccontextmanager
async def engine(
    run_dir: Path, settings: EngineSettings, *specs: EngineSpec
) -> AsyncIterator[tuple[LocalEngine, EngineClient]]:
    manager = LocalEngine(settings, specs, run_dir)
    await manager.start()
    client = EngineClient(manager.socket_path, linger_s=_LINGER_S)
    try:
        yield manager, client
    finally:
        await client.aclose()
        await manager.aclose()


def changed(**fields: object) -> EngineSettings:
    return msgspec.structs.replace(SMALL, **fields)


async def model(client: EngineClient, name: str = TINY) -> ModelStatus:
    return next(status for status in (await client.status()).models if status.model == name)


async def is_state(client: EngineClient, state: str, name: str = TINY) -> bool:
    return (await model(client, name)).state == state


async def test_a_model_is_loaded_once_for_all_who_ask_at_the_same_time(tmp_path: Path):
    async with engine(tmp_path, SMALL, spec()) as (manager, client):
        assert await is_state(client, "unloaded")

        async def generation(by: EngineClient) -> int:
            async with by.use(TINY) as address:
                return address.generation

        other = EngineClient(manager.socket_path, linger_s=_LINGER_S)
        assert await asyncio.gather(*(generation(c) for c in (client, client, other, other))) == [1, 1, 1, 1]
        await other.aclose()
        ready = await model(client)
        assert (ready.state, ready.slots, ready.slots_busy, ready.restarts) == ("ready", 4, 0, 0)
        assert 0 < ready.rss_bytes <= ready.estimated_bytes
        await eventually(lambda: _requests_are(client, 4))


async def _requests_are(client: EngineClient, count: int) -> bool:
    return (await model(client)).requests == count


async def test_nobody_gets_in_without_the_key(tmp_path: Path):
    async with engine(tmp_path, SMALL, spec()) as (manager, client):
        assert stat.S_IMODE(manager.socket_path.stat().st_mode) == 0o600
        async with client.use(TINY) as address, ClientBuilder().no_proxy().build() as http:
            assert address.url.startswith("http://127.0.0.1:")
            request = http.post(f"{address.url}/completion").body_json({"prompt": "a", "n_predict": 1})
            assert (await request.build().send()).status == 401
            request = http.post(f"{address.url}/completion").body_json({"prompt": "a", "n_predict": 1})
            assert (await request.bearer_auth(address.key).build().send()).status == 200


async def test_the_least_recently_used_model_makes_room(tmp_path: Path):
    settings = changed(memory_bytes=_TWO_MODELS_BYTES, room_wait_s=3.0)
    small = [spec(called=name, slots=1) for name in ("a", "b", "c")]
    async with engine(tmp_path, settings, *small) as (_, client):
        for name in ("a", "b"):
            async with client.use(name):
                pass
        async with client.use("a"), client.use("c"):
            assert [m.state for m in (await client.status()).models] == ["ready", "unloaded", "ready"]
            with pytest.raises(Fault) as refused:
                await client.use("b").__aenter__()
        problem = refused.value.problem
        assert (problem.code, problem.status) == ("engine_unavailable", 503)
        assert "engine.memory_bytes" in problem.message
        assert "engine.memory_bytes" in problem.message_zh
        assert problem.retry_after_s is not None
        async with client.use("b"):
            assert (await model(client, "b")).state == "ready"


async def test_a_model_larger_than_the_budget_is_refused_at_once(tmp_path: Path):
    async with engine(tmp_path, changed(memory_bytes=64 * 1024 * 1024), spec()) as (_, client):
        with pytest.raises(Fault, match="engine_unavailable") as refused:
            await client.use(TINY).__aenter__()
        assert "0.06 GiB" in refused.value.problem.message
        assert refused.value.problem.retry_after_s is None


async def test_an_idle_model_is_unloaded_and_comes_back(tmp_path: Path):
    async with engine(tmp_path, changed(idle_unload_s=0.4), spec()) as (_, client):
        async with client.use(TINY):
            await asyncio.sleep(1.0)
            assert await is_state(client, "ready")  # in use all the time
        await eventually(lambda: is_state(client, "unloaded"))
        async with client.use(TINY) as address:
            assert address.generation == 2


async def test_a_killed_process_is_started_again(tmp_path: Path):
    async with engine(tmp_path, SMALL, spec()) as (_, client):
        async with client.use(TINY):
            killed = (await model(client)).pid
            assert killed
            os.kill(killed, signal.SIGKILL)
            await eventually(lambda: _restarts_are(client, 1))
        async with client.use(TINY) as address:
            now = await model(client)
            assert address.generation == 2
            assert now.pid not in (None, killed)


async def _restarts_are(client: EngineClient, count: int) -> bool:
    status = await model(client)
    return status.restarts == count and status.state == "ready"


async def test_a_process_that_hangs_is_ended_when_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zhongshu.engine.running._PROBE_S", 0.3)
    async with engine(tmp_path, SMALL, spec()) as (_, client):
        async with client.use(TINY):
            pid = (await model(client)).pid
            assert pid
            os.kill(pid, signal.SIGSTOP)
            client.report_failure(TINY)
        async with client.use(TINY) as address:
            assert address.generation == 2
            assert (await model(client)).restarts == 1


async def test_a_report_on_a_healthy_process_does_no_harm(tmp_path: Path):
    async with engine(tmp_path, SMALL, spec()) as (_, client):
        for _ in range(2):
            async with client.use(TINY) as address:
                client.report_failure(TINY)
            assert address.generation == 1


async def test_a_file_that_does_not_load_is_reported_not_spun(tmp_path: Path):
    broken = tmp_path / "broken.gguf"
    whole = model_file(TINY).read_bytes()
    broken.write_bytes(whole.replace(b"llama", b"lhama", 1))  # an architecture that llama.cpp does not know
    settings = changed(crash_limit=2, backoff_s=5, backoff_max_s=60)
    async with engine(tmp_path, settings, EngineSpec(model="broken", path=str(broken))) as (_, client):
        said: list[str] = []
        for _ in range(3):
            with pytest.raises(Fault, match="engine_unavailable") as refused:
                await client.use("broken").__aenter__()
            said.append(refused.value.problem.message)
        assert "zhongshu models verify" in said[0]
        assert "2 times in a row" in said[2]
        assert refused.value.problem.retry_after_s
        assert await is_state(client, "failing", "broken")
        assert stat.S_IMODE((tmp_path / "engine-broken.log").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("path", "asked", "remedy"),
    [("nowhere.gguf", "gone", "zhongshu models pull gone"), ("nowhere.gguf", "other", "settings")],
)
async def test_what_is_not_there_is_refused_with_its_remedy(tmp_path: Path, path: str, asked: str, remedy: str):
    async with engine(tmp_path, SMALL, EngineSpec(model="gone", path=str(tmp_path / path))) as (_, client):
        with pytest.raises(Fault, match="engine_unavailable") as refused:
            await client.use(asked).__aenter__()
        assert remedy in refused.value.problem.message


async def test_a_damaged_file_is_refused_with_its_remedy_and_not_trusted_any_more(tmp_path: Path):
    file, marker = tmp_path / "secret-place.gguf", tmp_path / "secret-place.gguf.verified"
    file.write_bytes(b"garbage" * 1000)
    marker.write_bytes(b"{}")
    async with engine(tmp_path, SMALL, EngineSpec(model="broken", path=str(file))) as (_, client):
        with pytest.raises(Fault, match="engine_unavailable") as refused:
            await client.use("broken").__aenter__()
    told = refused.value.problem
    assert told.status == 503
    assert "zhongshu models pull broken" in told.message
    assert "模型文件已损坏" in told.message_zh
    assert "secret-place" not in told.message + told.message_zh
    assert not marker.exists()


async def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file, marker = tmp_path / "a.gguf", tmp_path / "a.gguf.verified"
    file.write_bytes(b"garbage")
    marker.write_bytes(b"{}")
    monkeypatch.setattr(os, "access", lambda path, mode: path != file)  # root may read everything
    async with engine(tmp_path, SMALL, EngineSpec(model="broken", path=str(file))) as (_, client):
        with pytest.raises(Fault, match="engine_unavailable") as refused:
            await client.use("broken").__aenter__()
    assert "cannot be read by the server" in refused.value.problem.message
    assert marker.exists()


async def test_a_lost_worker_releases_what_it_held(tmp_path: Path):
    async with engine(tmp_path, changed(idle_unload_s=0.4), spec()) as (manager, client):
        worker = EngineClient(manager.socket_path)
        await worker.use(TINY).__aenter__()
        await worker.aclose()
        await eventually(lambda: is_state(client, "unloaded"))


async def test_a_client_outlives_its_manager(tmp_path: Path):
    async with engine(tmp_path, SMALL, spec()) as (manager, client):
        async with client.use(TINY):
            pass
        await manager.aclose()
        with pytest.raises(Fault, match="engine_unavailable"):
            await client.use(TINY).__aenter__()
        again = LocalEngine(SMALL, [spec()], tmp_path)
        await again.start()
        async with client.use(TINY) as address:
            assert address.generation == 1
        await again.aclose()


async def test_specs_are_replaced_without_dropping_who_uses_the_old(tmp_path: Path):
    async with engine(tmp_path, SMALL, spec()) as (manager, client):
        async with client.use(TINY) as old:
            manager.replace_specs([spec(slots=1), spec(called="second")])
            assert (await model(client)).state == "unloaded"
            os.kill(_pid_of(old.url), 0)
        async with client.use(TINY) as new:
            assert (new.slots, old.slots) == (1, 4)
            assert new.url != old.url
        assert [m.model for m in (await client.status()).models] == [TINY, "second"]


def _pid_of(url: str) -> int:
    port = f":{int(url.rsplit(':', 1)[1]):04X}"
    inode = next(line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines() if port in line.split()[1])
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if any(os.readlink(fd.path) == f"socket:[{inode}]" for fd in os.scandir(entry / "fd")):
                    return int(entry.name)
    raise AssertionError("nobody listens there")


_SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from zhongshu.engine.local import LocalEngine
from zhongshu.engine.client import EngineClient
from zhongshu.engine.settings import EngineSettings, EngineSpec

async def main():
    run_dir, path = Path(sys.argv[1]), sys.argv[2]
    spec = EngineSpec(model="m", path=path, context_tokens=512, slots=1)
    manager = LocalEngine(EngineSettings(memory_bytes=4 * 1024**3), [spec], run_dir)
    await manager.start()
    async with EngineClient(manager.socket_path).use("m"):
        print((await manager.status()).models[0].pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_no_process_outlives_a_killed_supervisor(tmp_path: Path):
    supervisor = subprocess.Popen(  # noqa: ASYNC220 - a real parent, killed below
        [sys.executable, "-c", _SUPERVISOR, str(tmp_path), str(model_file(TINY))], stdout=subprocess.PIPE, text=True
    )
    with supervisor:
        assert supervisor.stdout is not None
        pid = int(await asyncio.to_thread(supervisor.stdout.readline))
        supervisor.kill()

    async def gone() -> bool:
        status = Path(f"/proc/{pid}/status")
        return not status.exists() or "State:\tZ" in status.read_text()

    await eventually(gone)
