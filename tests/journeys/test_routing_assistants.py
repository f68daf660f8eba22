"""Assistants looked back at: each turn beside its models alone, in a report of its own, and explained."""

import json
import math
import subprocess
import sys

import pytest

from tests.running import ONE_TRY, platform
from tests.waiting import until
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import Behaviour, Script
from zhongshu.upstreams.scripted.serve import serving

SUM = "A shop sells 12 boxes of 7 pens each and 9 pens are broken. How many pens are left in total?"
MODELS = {"right": Behaviour(text="The answer is 75."), "wrong": Behaviour(text="The answer is 74.")}


def settings(port: int) -> str:
    models = "".join(
        f'[[models]]\nname = "{name}"\nupstream = "s"\nupstream_model = "{says}"\ntier = "{tier}"\n'
        f"price = {{ input = {price}, output = {price * 4} }}\n"
        for name, says, tier, price in (("small", "wrong", "general", 1.0), ("deep", "right", "reasoning", 10.0))
    )
    assistants = "".join(
        f'[[assistants]]\nname = "{name}"\nstrategy = "{name}"\ngeneral = "small"\nreasoning = "deep"\nthreshold = 0.9\n'
        for name in ("tiered", "front-back", "cascade")
    )
    samples = "[router.samples]\nshare = 1.0\nmax_cost_per_day = 50.0\n"
    upstream = f'[[upstreams]]\nname = "s"\nkind = "openai-compatible"\nkey = "none"\nbase_url = "http://127.0.0.1:{port}/v1"\n'
    return f'profile = "none"\n{ONE_TRY}{samples}{upstream}{models}{assistants}'


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("assistants")
    with serving(ScriptedApp(Script(models=MODELS))) as upstream, platform(folder, settings(upstream.port)) as it:
        yield it


def asked(running, name, **fields):
    status, _, body = running.chat(name, SUM, **fields)
    assert status == 200, body
    return body["zhongshu"]


def samples_of(running, name, number):
    def found():
        samples = [one for one in json.loads(running.cli("route", "samples", "--json")) if one["asked"] == name]
        return samples if len(samples) >= number else None

    return until(found)


def test_an_assistant_has_a_report_of_its_own(running):
    told = [asked(running, "tiered") for _ in range(2)]
    samples = samples_of(running, "tiered", 2)
    assert {one["trace"] for one in samples} == {one["trace"] for one in told}
    report = json.loads(running.cli("route", "report", "--assistant", "tiered", "--json"))
    assert (report["turns"], report["samples"]["judged"]) == (2, 2)
    assert (report["always_reasoning_nano"], report["saved"]) == (None, None), "what cannot be told is not guessed"
    ways = {way["name"]: way for way in report["proof"]["ways"]}
    assert (ways["done"]["quality"], ways["always reasoning"]["quality"]) == (0.0, 1.0)
    assert ways["done"]["cost"] == pytest.approx(sum(one["cost_nano"] for one in samples) / 2e9)
    assert not report["claim"]["made"]
    status, _, same = running.ask("/admin/v1/route/report?assistant=tiered")
    assert (status, same["proof"]["ways"][0]["quality"]) == (200, 0.0)
    assert running.ask("/admin/v1/route/report")[2]["turns"] == 0, "auto was not asked"
    status, _, refused = running.ask("/admin/v1/route/report?assistant=nobody")
    assert (status, refused["error"]["param"]) == (404, "assistant")


def test_an_answer_made_of_several_stands_beside_both_models(running):
    asked(running, "front-back", stop=["@"])  # what must heed stop words stands though it lost the result
    (sample,) = samples_of(running, "front-back", 1)
    assert (sample["general"], sample["reasoning"], sample["done"]) == (0.0, 1.0, 0.0)
    assert sample["general_nano"] + sample["reasoning_nano"] == sample["other_nano"]
    ways = json.loads(running.cli("route", "report", "--assistant", "front-back", "--json"))["proof"]["ways"]
    assert ways[0]["cost"] == pytest.approx(sample["cost_nano"] / 1e9)
    assert ways[0]["cost"] > ways[2]["cost"], "phrasing comes on top of what the reasoning model costs"


def test_a_turn_of_an_assistant_says_what_would_have_changed_it(running):
    trace = asked(running, "tiered")["trace"]
    why = json.loads(running.cli("route", "explain", trace, "--json"))["assistant"]
    assert (why["strategy"], why["threshold"], why["flips_at_threshold"]) == ("tiered", 0.9, why["chance"])
    assert 0 < why["flips_at_dial"] < 1
    said = " ".join(running.cli("route", "explain", trace).split())
    assert f"threshold of {math.floor(why['chance'] * 1e4) / 1e4:g} or less (it is 0.9)" in said
    assert f"from {why['flips_at_dial']:.4g} up" in said
    status, _, told = running.ask(f"/admin/v1/route/explain/{trace}")
    assert (status, told["assistant"], told["unknown"]) == (200, why, None)
    dialled = running.chat("tiered", SUM, zhongshu={"quality": why["flips_at_dial"]})[2]
    assert dialled["zhongshu"]["route"]["release"] == "deep@1"
    dialled = running.chat("tiered", SUM, zhongshu={"quality": why["flips_at_dial"] - 0.0001})[2]
    assert dialled["zhongshu"]["route"]["release"] == "small@1"


def test_an_assistants_threshold_is_found_by_its_own_samples_and_holds(running):
    asked(running, "tiered")
    before = len(samples_of(running, "tiered", 1))
    found = json.loads(running.cli("route", "tune", "--assistant", "tiered", "--quality", "1", "--json"))
    assert (found["assistant"], found["strategy"], found["reached"], found["without_text"]) == (
        "tiered",
        "tiered",
        True,
        0,
    )
    assert found["rows"] >= before
    assert found["strong_calls"]["value"] == 1.0, "the general model is wrong on every one"
    assert 0 < found["threshold"] < 0.9
    said = running.cli("route", "tune", "--assistant", "tiered", "--quality", "1")
    assert f'name = "tiered"\nthreshold = {found["threshold"]:g}' in said
    status, _, same = running.ask("/admin/v1/route/tune?assistant=tiered&quality=1")
    assert (status, same["setting"], same["rows"]) == (200, {"threshold": found["threshold"]}, found["rows"])

    other = running.settings.read_text().replace(
        'reasoning = "deep"\nthreshold = 0.9', f'reasoning = "deep"\nthreshold = {found["threshold"]}', 1
    )
    running.settings.write_text(other)
    running.cli("config", "reload")
    assert asked(running, "tiered")["route"]["release"] == "deep@1"


@pytest.mark.parametrize(
    ("name", "status", "code", "said"),
    [
        ("nobody", 404, 1, "nobody"),
        ("cascade", 400, 1, "route check"),
        ("front-back", 404, 2, "no judged sample"),  # there are samples, and it was right on none
    ],
)
def test_what_of_an_assistant_cannot_be_tuned_says_why(running, name, status, code, said):
    got, _, refused = running.ask(f"/admin/v1/route/tune?assistant={name}")
    assert (got, "error" in refused) == (status, True)
    done = subprocess.run(
        [sys.executable, "-m", "zhongshu.cli", "route", "tune", "--assistant", name],
        env=running.environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
