"""Children: started, waited for, started again whatever happens, stopped."""

import asyncio
import json

import pytest

from tests.waiting import eventually
from zhongshu.app.children import Child, NeverReady


def child(folder, *, taken=0, hopeless=False, dies=False, on_death=None, hear=None) -> Child:
    line = json.dumps({"folder": str(folder), "taken": taken, "hopeless": hopeless, "dies": dies}).encode() + b"\n"
    return Child("it", "tests.app.child", lambda: line, grace_s=60.0, on_death=on_death, hear=hear)


def starts(folder) -> int:
    return len(list(folder.iterdir()))


async def test_it_is_started_and_stopped(tmp_path):
    one = child(tmp_path)
    await one.start()
    assert one.pid is not None
    await one.stop()
    assert one.pid is None
    assert starts(tmp_path) == 1


async def test_what_it_prints_is_heard_to_its_end(tmp_path):
    heard: list[bytes] = []
    one = child(tmp_path, hear=heard.append)
    assert one.tell(b"nobody is there\n") is False
    await one.start()
    assert one.tell(b"more\n") is True
    await eventually(lambda: b"after\n" in heard)
    await one.stop()
    await eventually(lambda: b"" in heard)
    assert heard == [b"before\n", b"after\n", b""]


async def test_it_waits_for_whoever_still_has_its_place(tmp_path):
    one = child(tmp_path, taken=2)
    await one.start()
    assert starts(tmp_path) == 3
    await one.stop()


async def test_one_that_cannot_start_is_given_up(tmp_path):
    with pytest.raises(NeverReady, match="it"):
        await child(tmp_path, hopeless=True).start()
    assert starts(tmp_path) == 1


async def test_it_is_started_again_though_its_death_could_not_be_settled(tmp_path):
    deaths: list[int] = []

    def settle() -> None:
        deaths.append(1)
        raise OSError("the disk is full")

    one = child(tmp_path, dies=True, on_death=settle)
    await one.start()
    await eventually(lambda: starts(tmp_path) == 2 and one.pid is not None)
    assert deaths == [1]
    await one.stop()


async def test_it_is_started_again_once_the_system_has_room(tmp_path, monkeypatch):
    one = child(tmp_path, dies=True)
    await one.start()
    real, refused = asyncio.create_subprocess_exec, []

    async def no_room(*arguments, **how):
        if not refused:
            refused.append(1)
            raise OSError(11, "Resource temporarily unavailable")
        return await real(*arguments, **how)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", no_room)
    await eventually(lambda: starts(tmp_path) == 2 and one.pid is not None)
    assert refused
    await one.stop()
