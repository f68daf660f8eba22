"""A platform that routes: `auto` goes where its question wants, and the command line explains and proves it."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.running import KEY, ONE_TRY, platform
from tests.waiting import until
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import Behaviour, Script
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


def test_hard_turns_wait_out_a_short_rest_and_go_to_the_general_model_for_a_long_one(tmp_path: Path):
    """A rest of a second, asked for by an upstream whose turns wait in a line; then one of a minute."""
    script = Script(
        models={
            "second": Behaviour(status=429, retry_after="1"),
            "minute": Behaviour(status=429, retry_after="60"),
            "deep": Behaviour(sequence=("second", "mock", "minute", "mock")),
        }
    )
    with serving(ScriptedApp(script)) as upstream:
        text = settings(upstream.port).replace(ONE_TRY, "[dispatch]\nretries = 0\n[server]\nworkers = 1\n")
        text = text.replace('name = "s"\n', 'name = "s"\nmax_concurrent = 4\nmax_queue = 4\n', 1)
        text = text.replace('name = "deep"\nupstream = "s"\nupstream_model = "mock"', 'name = "deep"\nupstream = "s"')
        with platform(tmp_path, text) as running:
            for release, rule in [("deep@1", "hard"), ("small@1", "resting")]:
                assert running.chat("auto", HARD)[0] == 429
                route = asked(running, HARD)["route"]
                assert (route["release"], route["rule"]) == (release, rule)


PNG, PDF, CSV = "iVBORw0KGgo=", "JVBERi0xLjQ=", "bmFtZSxhZ2UKQW5uLDMK"
PARTS = {
    "/v1/chat/completions": lambda kind, data: (
        {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data}"}}
        if kind.startswith("image/")
        else {"type": "file", "file": {"filename": "a", "file_data": f"data:{kind};base64,{data}"}}
    ),
    "/v1/responses": lambda kind, data: (
        {"type": "input_image", "image_url": f"data:{kind};base64,{data}"}
        if kind.startswith("image/")
        else {"type": "input_file", "filename": "a", "file_data": f"data:{kind};base64,{data}"}
    ),
    "/v1/messages": lambda kind, data: {
        "type": "image" if kind.startswith("image/") else "document",
        "source": {"type": "base64", "media_type": kind, "data": data},
    },
    "/v1beta/models/auto:generateContent": lambda kind, data: {"inlineData": {"mimeType": kind, "data": data}},
}


def bringing(path, kind, data):
    """A question with a thing beside it, in the words of each protocol."""
    part, text = PARTS[path](kind, data), "What is this?"
    if "generateContent" in path:
        return {"contents": [{"role": "user", "parts": [{"text": text}, part]}]}
    if path == "/v1/responses":
        return {"model": "auto", "input": [{"role": "user", "content": [{"type": "input_text", "text": text}, part]}]}
    content = [{"type": "text", "text": text}, part]
    return {"model": "auto", "max_tokens": 50, "messages": [{"role": "user", "content": content}]}


@pytest.mark.parametrize("path", PARTS)
def test_what_no_model_of_auto_takes_is_made_into_text_first_whatever_the_protocol(running, path):
    status, _, body = running.ask(path, bringing(path, "image/png", PNG))
    assert (status, body["zhongshu"]["read"]) == (200, ["picture: eyes"]), body
    assert body["zhongshu"]["route"]["release"] == "small@1"
    if path != "/v1/messages":  # Anthropic's documents are PDF or plain text
        status, _, body = running.ask(path, bringing(path, "text/csv", CSV))
        assert (status, body["zhongshu"]["read"]) == (200, ["document: text/csv, here"]), body
    status, _, refused = running.ask(path, bringing(path, "application/pdf", PDF))
    assert status == 400
    assert "application/pdf" in json.dumps(refused)


DEEP_TALK = ("And what if there were only finitely many?", "deep@1"), ("Thanks!", "small@1"), (EASY, "small@1")
TALKS = {
    "/v1/chat/completions": lambda *said: {"messages": [{"role": role, "content": text} for role, text in said]},
    "/v1/messages": lambda *said: {"max_tokens": 99, "messages": [{"role": r, "content": text} for r, text in said]},
    "/v1/responses": lambda *said: {"input": [{"role": role, "content": text} for role, text in said]},
    "/v1beta/models/auto:generateContent": lambda *said: {
        "contents": [{"role": "model" if r == "assistant" else r, "parts": [{"text": text}]} for r, text in said]
    },
}


@pytest.mark.parametrize("path", TALKS)
def test_a_conversation_stays_with_its_model_unless_the_difficulty_changes(running, path):
    for last, release in DEEP_TALK:
        said = TALKS[path](("user", HARD), ("assistant", "Suppose ..."), ("user", last))
        status, _, body = running.ask(path, said if "beta" in path else {"model": "auto", **said})
        assert (status, body["zhongshu"]["route"]["release"]) == (200, release), (last, body)
    said = TALKS[path](("user", EASY), ("assistant", "Paris."), ("user", HARD))
    body = running.ask(path, said if "beta" in path else {"model": "auto", **said})[2]
    assert body["zhongshu"]["route"]["release"] == "deep@1", "a harder follow-up"


def test_a_remembered_conversation_stays_too(running):
    first = running.ask("/v1/responses", {"model": "auto", "input": HARD})[2]
    for last, release in DEEP_TALK:
        asked = {"model": "auto", "input": last, "previous_response_id": first["id"]}
        assert running.ask("/v1/responses", asked)[2]["zhongshu"]["route"]["release"] == release, last


@pytest.mark.parametrize("path", TALKS)
def test_the_dial_by_header_and_by_key_whatever_the_protocol(running, path):
    made = json.loads(running.cli("keys", "create", "frugal", "--quality", "0.1", "--json"))
    asked = TALKS[path](("user", HARD))
    asked = asked if "beta" in path else {"model": "auto", **asked}
    for headers, key, release, by in (
        ({}, None, "deep@1", "settings"),
        ({"x-zhongshu-quality": "0.1"}, None, "small@1", "header"),
        ({}, made["secret"], "small@1", "key"),
        ({"x-zhongshu-quality": "0.9"}, made["secret"], "deep@1", "header"),
    ):
        status, body = sent(running, path, asked, headers, key)
        route = body["zhongshu"]["route"]
        assert (status, route["release"], route["dial"]["quality_by"]) == (200, release, by)
    status, body = sent(running, path, {**asked, "zhongshu": {"quality": 0.9}}, {"x-zhongshu-quality": "0.1"}, None)
    assert body["zhongshu"]["route"]["dial"]["quality_by"] == "request"
    status, body = sent(running, path, asked, {"x-zhongshu-quality": "2"}, None)
    assert (status, "x-zhongshu-quality" in json.dumps(body)) == (400, True)


def sent(running, path, body, headers, key):
    """A request with headers of its own; what came back."""
    given = {"authorization": f"Bearer {key or KEY}", "content-type": "application/json", **headers}
    request = urllib.request.Request(running.url + path, json.dumps(body).encode(), given)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


# --- samples: every turn is answered by the other kind of model too, and judged


@pytest.fixture(scope="module")
def sampling(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sampling")
    says = {
        "gen": Behaviour(text="After a little thought about it: the answer is 75."),
        "deep": Behaviour(text="Step by step, all of it together comes to 75."),
    }
    with serving(ScriptedApp(Script(models=says))) as upstream:
        made = settings(upstream.port).replace(
            'upstream_model = "mock"\ntier = "general"', 'upstream_model = "gen"\ntier = "general"'
        )
        made = made.replace(
            'upstream_model = "mock"\ntier = "reasoning"', 'upstream_model = "deep"\ntier = "reasoning"'
        )
        head, _, rest = made.partition("\n")
        with platform(folder, f"{head}\n[router.samples]\nshare = 1.0\n{rest}") as it:
            yield it


SUM = "A shop sells 12 boxes of 7 pens each and 9 pens are broken. How many pens are left in total?"


def taken(running, number):
    """The samples, once there are so many."""

    def found():
        samples = json.loads(running.cli("route", "samples", "--json"))
        return (samples,) if len(samples) >= number else None

    return until(found)[0]


def test_turns_are_sampled_judged_and_reported(sampling):
    own = [asked(sampling, text, stream=False)["trace"] for text in (SUM, SUM, "Why is the sea blue?")]
    found = taken(sampling, 3)
    assert {one["trace"] for one in found} == set(own)
    assert sorted(one["state"] for one in found) == ["judged", "judged", "open"]
    report = json.loads(sampling.cli("route", "report", "--json"))
    assert (report["samples"]["taken"], report["samples"]["judged"], report["samples"]["by"]) == (
        3,
        2,
        {"agreement": 2},
    )
    assert report["proof"]["cases"] == 2
    assert report["claim"]["made"] is False
    assert "it takes 50" in report["claim"]["said"]
    assert report["turns"] == 3, "a sample is no turn of anybody's"

    open_one = next(one for one in found if one["state"] == "open")
    assert sampling.ask(f"/admin/v1/route/samples/{open_one['sample']}", {"general": 1, "reasoning": 0.5})[0] == 200
    status, _, said = sampling.ask("/admin/v1/route/report")
    assert (status, said["samples"]["judged"], said["proof"]["cases"]) == (200, 3, 3)
    assert sampling.ask("/admin/v1/route/report.svg")[2].startswith("<svg")
    status, _, told = sampling.ask(f"/admin/v1/route/explain/{own[0]}")
    assert (status, told["sample"]["by"], told["explained"]["task"]) == (200, "agreement", "mathematics")
    assert "stands unseen beside" in sampling.cli("route", "explain", open_one["sample"])
    assert "unseen" in sampling.ask(f"/admin/v1/route/explain/{open_one['sample']}")[2]["unknown"]["en"]
    status, _, tuned = sampling.ask("/admin/v1/route/tune?quality=0.9")
    assert (status, tuned["rows"]) == (200, 3)
    assert json.loads(sampling.cli("route", "tune", "--quality", "0.9", "--json"))["dial"] == tuned["dial"]


def test_a_sample_costs_its_key_nothing(sampling):
    made = json.loads(sampling.cli("keys", "create", "counted", "--budget", "5", "--json"))
    before = len(taken(sampling, 0))
    cost = float(asked_by(sampling, made["secret"])["cost"]["amount"])
    taken(sampling, before + 1)
    shown = until(lambda: float(json.loads(sampling.cli("keys", "show", made["id"], "--json"))["spending"]["spent"]))
    assert shown == pytest.approx(cost)


def asked_by(running, key):
    return running.chat("auto", SUM, key=key)[2]["zhongshu"]


def test_a_named_turn_was_not_weighed(running):
    trace = running.chat("small", HARD)[2]["zhongshu"]["trace"]
    assert "only `auto`" in running.cli("route", "explain", trace)


def test_what_cannot_be_explained_says_why(running):
    with pytest.raises(AssertionError, match="The ledger holds no turn"):
        running.cli("route", "explain", "f" * 32)
