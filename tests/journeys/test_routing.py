"""A platform that routes: `auto` goes where its question wants, and the command line explains and proves it."""

import json
from pathlib import Path

import pytest

from tests.running import ONE_TRY, platform
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import Script
from zhongshu.upstreams.scripted.serve import serving

HARD = "Prove that there are infinitely many primes."
EASY = "What is the capital of France?"


def settings(port: int) -> str:
    models = "".join(
        f'[[models]]\nname = "{name}"\nupstream = "s"\nupstream_model = "mock"\ntier = "{tier}"\n'
        f'abilities = ["chat", "tools"]\nprice = {{ input = {price}, output = {price * 4} }}\n'
        for name, tier, price in (("small", "general", 1.0), ("deep", "reasoning", 10.0))
    )
    eyes = '[[models]]\nname = "eyes"\nupstream = "s"\nupstream_model = "mock"\nabilities = ["chat", "vision"]\n'
    upstream = '[[upstreams]]\nname = "s"\nkind = "openai-compatible"\nkey = "none"\n'
    return f'profile = "none"\n{ONE_TRY}{upstream}base_url = "http://127.0.0.1:{port}/v1"\n{models}{eyes}'


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routing")
    with serving(ScriptedApp(Script())) as upstream, platform(folder, settings(upstream.port)) as it:
        yield it


def asked(running, text, **fields):
    status, _, body = running.chat("auto", text, **fields)
    assert status == 200, body
    return body["zhongshu"]


def test_a_turn_is_routed_explained_and_proved(running, tmp_path: Path):
    hard, easy = asked(running, HARD), asked(running, EASY)
    assert [hard["route"]["release"], easy["route"]["release"]] == ["deep@1", "small@1"]
    assert "dial 0.50" in hard["route"]["reason"]
    assert "证明" in hard["route"]["reason_zh"]

    why = json.loads(running.cli("route", "explain", hard["trace"], "--json"))
    assert (why["release"], why["rule"], why["task"], why["same_now"]) == ("deep@1", "hard", "proof", True)
    assert why["distance"] > 0
    assert 0 < why["flips_at_dial"] < 0.5
    assert {one["release"] for one in why["candidates"]} == {"small@1", "deep@1"}
    said = running.cli("route", "explain", easy["trace"])
    assert "turns round at dial" in said

    report = json.loads(running.cli("route", "report", "--since", "1h", "--json"))
    assert report["releases"] == {"deep@1": 1, "small@1": 1}
    assert report["always_general_nano"] < report["all"]["cost_nano"] < report["always_reasoning_nano"]
    assert report["proof"] is None
    assert len(report["unknown"]) == 2

    labels = tmp_path / "labels.jsonl"
    right = {hard["trace"]: (0, 1), easy["trace"]: (1, 1)}
    lines = [json.dumps({"trace": t, "weak_correct": w, "strong_correct": s}) for t, (w, s) in right.items()]
    labels.write_text("\n".join(lines))
    proof = json.loads(running.cli("route", "report", "--labels", str(labels), "--json"))["proof"]
    quality = {way["name"]: way["quality"] for way in proof["ways"]}
    assert (quality["done"], quality["always general"], quality["oracle"]) == (1.0, 0.5, 1.0)
    assert proof["priced"]
    assert len(proof["curve"]) == 3


def test_the_caller_may_turn_the_dial(running):
    assert asked(running, HARD, zhongshu={"quality": 0})["route"]["release"] == "small@1"
    assert asked(running, EASY, zhongshu={"quality": 1})["route"]["release"] == "deep@1"
    assert asked(running, HARD, zhongshu={"max_cost": 0.01})["route"]["rule"] == "ceiling"
    status, _, body = running.chat("auto", EASY, zhongshu={"quality": 2})
    assert (status, "quality" in body["error"]["message"]) == (400, True)
    status, _, body = running.chat("auto", EASY, zhongshu={"max_cost": 0})
    assert (status, body["error"]["param"]) == (400, "zhongshu.max_cost")


def test_a_picture_nobody_of_auto_takes_names_who_could(running):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    body = {"model": "auto", "messages": [{"role": "user", "content": [picture]}]}
    status, _, refused = running.ask("/v1/chat/completions", body)
    assert (status, refused["error"]["code"]) == (400, "model_cannot")
    assert "`eyes`" in refused["error"]["message"]


def test_a_named_turn_was_not_weighed(running):
    trace = running.chat("small", HARD)[2]["zhongshu"]["trace"]
    assert "only `auto`" in running.cli("route", "explain", trace)


def test_what_cannot_be_explained_says_why(running):
    with pytest.raises(AssertionError, match="The ledger holds no turn"):
        running.cli("route", "explain", "f" * 32)
