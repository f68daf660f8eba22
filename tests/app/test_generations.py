"""Settings handed to all workers or to none: every order in which they may answer, refuse, die or say nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from zhongshu.app import generations, standing
from zhongshu.app.complaints import Complaint, SettingsError
from zhongshu.app.generations import Generations
from zhongshu.app.settings import Settings
from zhongshu.app.standing import Standing, Stands, Verdict, complaints_of
from zhongshu.upstreams.registry import KeyProblem

LACKS = Complaint("", "", "upstreams.a.key", "", "the variable A is not set", "环境变量 A 未设置")


class House:
    """Workers that answer when the test lets them."""

    def __init__(self, names=("w0", "w1")):
        self.lines: dict[str, list[tuple[int, str]]] = {name: [] for name in names}
        self.dead: set[str] = set()
        self.taken: list[str] = []
        self.said: list[Standing] = []
        self.generations = Generations(settings("one"), names, self.tell, lambda s: self.taken.append(s.access.thoughts_hidden_from[0]), self.said.append)  # fmt: skip
        for name in names:
            self.says(name, 1, 1)

    def tell(self, name, number, given):
        if name in self.dead:
            return False
        self.lines[name].append((number, given.access.thoughts_hidden_from[0]))
        return True

    def says(self, name, told, runs, *refused):
        self.generations.heard(name, Verdict(told, runs, refused))

    def offer(self, tenant):
        self.generations.begin()
        self.generations.offer(settings(tenant))

    @property
    def now(self) -> Standing:
        return self.generations.standing

    def runs(self):
        return {worker.name: worker.generation for worker in self.now.workers}


def settings(tenant: str) -> Settings:
    return msgspec.convert(
        {"home": "/nowhere", "access": {"thoughts_hidden_from": [tenant]}}, Settings, dec_hook=lambda k, v: Path(v)
    )


@pytest.fixture
def house():
    return House()


async def test_settings_are_in_force_once_all_have_taken_them(house):
    house.offer("two")
    assert (house.now.asked, house.now.answered, house.now.generation) == (2, 1, 1)
    house.says("w0", 2, 2)
    assert (house.now.answered, house.taken) == (1, []), "a worker that starts now gets the old ones"
    assert house.generations.settings.access.thoughts_hidden_from[0] == "one"
    house.says("w1", 2, 2)
    assert (house.now.answered, house.now.generation, house.taken) == (2, 2, ["two"])
    assert (house.now.apart, house.now.refused) == ((), ())
    assert house.said[-1] == house.now


async def test_where_one_refuses_the_others_go_back(house):
    house.offer("two")
    house.says("w0", 2, 2)
    house.says("w1", 2, 1, LACKS)
    assert (house.now.answered, house.now.generation, house.taken) == (2, 1, [])
    assert [(one.where, one.key) for one in house.now.refused] == [("w1", "upstreams.a.key")]
    assert house.lines == {"w0": [(2, "two"), (1, "one")], "w1": [(2, "two")]}
    assert [worker.name for worker in house.now.apart] == ["w0"]
    house.says("w0", 1, 1)
    assert house.now.apart == ()
    assert house.now.refused, "why is told until settings are taken"


async def test_what_all_refuse_alike_is_said_once(house):
    house.offer("two")
    house.says("w0", 2, 1, LACKS)
    house.says("w1", 2, 1, LACKS)
    assert [(one.where, one.where_zh) for one in house.now.refused] == [("w0, w1", "w0、w1")]
    assert house.lines == {"w0": [(2, "two")], "w1": [(2, "two")]}, "nobody has anything to go back from"


async def test_a_refusal_is_forgotten_with_the_next_settings(house):
    house.offer("two")
    house.says("w0", 2, 1, LACKS)
    house.says("w1", 2, 1, LACKS)
    house.offer("three")
    house.says("w0", 3, 3)
    house.says("w1", 3, 3)
    assert (house.now.generation, house.now.refused, house.taken) == (3, (), ["three"])


async def test_settings_read_twice_in_a_row_are_judged_by_the_second(house):
    house.offer("two")
    house.says("w0", 2, 2)
    house.offer("three")
    house.says("w1", 2, 1, LACKS)
    assert house.now.answered == 1
    house.says("w0", 3, 3)
    house.says("w1", 3, 3)
    assert (house.now.generation, house.now.refused, house.taken) == (3, (), ["three"])


async def test_a_file_with_mistakes_right_after_an_offer_brings_back_who_had_taken_it(house):
    house.offer("two")
    house.says("w0", 2, 2)
    house.generations.begin()
    house.generations.refuse((LACKS,))
    assert house.lines["w0"][-1] == (1, "one")
    house.says("w1", 2, 2)
    assert house.lines["w1"][-1] == (1, "one"), "who took it later goes back too"
    house.says("w0", 1, 1)
    house.says("w1", 1, 1)
    assert (house.now.apart, house.now.refused, house.now.generation) == ((), (LACKS,), 1)


async def test_one_that_dies_meanwhile_is_not_waited_for(house):
    house.offer("two")
    house.says("w0", 2, 2)
    house.generations.died("w1")
    assert (house.now.generation, house.runs()) == (2, {"w0": 2, "w1": 0})
    house.says("w1", 2, 2)
    assert house.now.apart == ()


async def test_one_that_was_started_with_the_settings_of_before_is_told_those_in_force(house):
    house.generations.died("w1")
    house.dead.add("w1")
    house.offer("two")
    house.says("w0", 2, 2)
    assert house.now.generation == 2
    house.dead.clear()
    house.says("w1", 1, 1)  # booted a moment before they came into force
    assert house.lines["w1"] == [(2, "two")]
    house.says("w1", 2, 2)
    assert house.now.apart == ()


async def test_nobody_is_there_to_be_told(house):
    house.dead = {"w0", "w1"}
    house.offer("two")
    assert (house.now.generation, house.taken) == (2, ["two"])


async def test_who_says_nothing_is_waited_for_no_longer_than_that(house, monkeypatch):
    monkeypatch.setattr(generations, "WITHIN_S", 3600.0)
    house.offer("two")
    house.says("w0", 2, 2)
    house.generations._settle()  # what the timer calls
    assert (house.now.answered, house.now.generation) == (2, 2)
    assert [worker.name for worker in house.now.apart] == ["w1"], "and it can be seen"
    house.says("w1", 2, 1, LACKS)
    assert [worker.refused for worker in house.now.apart] == [
        (msgspec.structs.replace(LACKS, where="w1", where_zh="w1"),)
    ]
    assert house.lines["w1"].count((2, "two")) == 2, "told once more as it was silent, and not again for refusing"


async def test_what_waits_for_a_restart_is_named(house):
    house.generations.begin()
    other = msgspec.structs.replace(settings("two").server, port=1)
    house.generations.offer(msgspec.structs.replace(settings("two"), server=other))
    house.says("w0", 2, 2)
    house.says("w1", 2, 2)
    assert house.now.waits == ("server.port",)


# The note --------------------------------------------------------------------------------------------------------


def test_the_note_is_read_as_it_was_written(tmp_path):
    (tmp_path / "run").mkdir()
    assert standing.read(tmp_path) is None
    how = Standing(
        generation=2, digest="x", asked=3, answered=3, refused=(LACKS,), workers=(Stands("w0", 2, (LACKS,)),)
    )
    standing.write(tmp_path / "run", how)
    assert standing.read(tmp_path) == how
    assert [file.name for file in (tmp_path / "run").iterdir()] == [standing.STANDING_FILE]
    (tmp_path / "run" / standing.STANDING_FILE).write_text('{"of": "another version"}')
    assert standing.read(tmp_path) is None


def validation(text):
    try:
        msgspec.json.decode(text, type=Settings, dec_hook=lambda kind, value: Path(value))
    except msgspec.ValidationError as error:
        return error
    raise AssertionError(text)


@pytest.mark.parametrize(
    ("error", "key", "en", "zh"),
    [
        (SettingsError((LACKS,)), "upstreams.a.key", "the variable A is not set", "环境变量 A 未设置"),
        (KeyProblem("upstreams.b.key: the file x is empty", "upstreams.b.key: 文件 x 为空"), "upstreams.b.key", "the file x is empty", "文件 x 为空"),
        (KeyProblem("upstreams.b.key: unset", "upstreams.b.key: 未设置", "B"), "upstreams.b.key", "does not have the variable B", "没有环境变量 B"),
        (OSError(28, "No space left on device", "/x/cache.db"), "/x/cache.db", "No space left", "No space left"),
        (OSError("odd"), "system", "OSError", "OSError"),
        (validation('{"home": "/x", "router": {"model_file": "/nowhere"}}'), "router.model_file", "No such file", "无法使用"),
        (validation('{"home": "/x", "profile": "huge"}'), "profile", "Invalid enum value", "Invalid enum value"),
        (ValueError("secrets/text.key: is gone"), "settings", "secrets/text.key: is gone", "secrets/text.key"),
    ],
)  # fmt: skip
def test_what_is_raised_names_its_field(error, key, en, zh):
    (found,) = complaints_of(error, running=True)
    assert (found.key, en in found.remedy, zh in found.remedy_zh) == (key, True, True), found
    assert found.sentence().count(key) == 1
