"""Assistants over the running platform and the scripted upstream: every surface, the command line, the ledger."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.parse

import pytest

from tests.running import KEY, over, platform
from tests.waiting import until
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import Behaviour, Break, Script
from zhongshu.upstreams.scripted.serve import serving

LETTER = "Write a short letter to my landlord about the heating."
BAD, GOOD = '{"defects": ["it is five"]}', '{"defects": []}'
MODELS = {
    "drafts": Behaviour(text="It is six."),
    "repairs": Behaviour(sequence=("drafts", "repaired")),
    "repaired": Behaviour(text="It is five."),
    "checks": Behaviour(sequence=("bad", "good")),
    "bad": Behaviour(text=BAD),
    "good": Behaviour(text=GOOD, thought="Let me see."),
    "always-bad": Behaviour(sequence=("bad", "bad", "repaired")),
    "breaks": Behaviour(text="It is five, or so I think.", broken=Break(3, "cut")),
    "slow": Behaviour(text="It is five, and here is why that is so.", times=100, each_s=0.3),
    "solves": Behaviour(text="It is five.", thought="Two, three."),
    "fails": Behaviour(status=500),
    "thinks-on": Behaviour(text="", thought="Let me see, let me see.", finish_reason="length"),
}
ASSISTANTS = {
    "desk": ("direct", "drafts", ""),
    "stands": ("cascade", "drafts", "repaired", "threshold = 1.0"),
    "climbs": ("cascade", "drafts", "repaired", "threshold = 0.0"),
    "climbs-slowly": ("cascade", "drafts", "slow", "threshold = 0.0"),
    "climbs-and-breaks": ("cascade", "drafts", "breaks", "threshold = 0.0"),
    "mends": ("draft-check", "repairs", "checks", ""),
    "finds-out": ("draft-check", "drafts", "solves", ""),
    "never-done": ("draft-check", "drafts", "always-bad", ""),
    "relays": ("front-back", "drafts", "repaired", ""),
    "lost": ("front-back", "drafts", "fails", ""),
    "lost-midway": ("front-back", "drafts", "breaks", ""),
    "climbs-to-nothing": ("cascade", "drafts", "thinks-on", "threshold = 0.0"),
}


def rows() -> str:
    """[[assistants]] in TOML."""
    lines: list[str] = []
    for name, (strategy, general, reasoning, *more) in ASSISTANTS.items():
        lines += ["[[assistants]]", f'name = "{name}"', f'strategy = "{strategy}"', f'general = "{general}"']
        lines += [f'reasoning = "{reasoning}"'] if reasoning else []
        lines += more
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with serving(ScriptedApp(Script(models=MODELS))) as upstream:
        settings = over(upstream.port, {name: name for name in MODELS}) + rows()
        with platform(tmp_path_factory.mktemp("assistants"), settings) as running:
            yield running


def record(house, trace):
    """What the ledger keeps of a turn."""

    def found():
        status, _, kept = house.ask(f"/admin/v1/ledger/turns/{trace}")
        return kept if status == 200 else None

    return until(found)


def chunks(house, model, text="2 + 3?", path="/v1/chat/completions", **more):
    """Every data line of a stream, decoded where it is JSON."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": True, **more}
    with contextlib.closing(opened(house, path, body)) as connection:
        lines = connection.getresponse().read().decode().splitlines()
    data = [line[6:] for line in lines if line.startswith("data: ")]
    return [json.loads(line) if line != "[DONE]" else line for line in data]


def opened(house, path, body):
    """A connection with the request on its way."""
    at = urllib.parse.urlsplit(house.url)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    return connection


def test_an_assistant_is_listed_with_its_card_and_without_its_prompt(house):
    status, _, listed = house.ask("/v1/models")
    assert status == 200
    cards = {row["id"]: row["zhongshu"]["card"] for row in listed["data"] if row["zhongshu"]["card"]}
    assert cards["climbs"]["strategy"] == "cascade"
    assert cards["climbs"]["made_of"] == ["drafts", "repaired"]
    assert "prompt" not in cards["climbs"]
    assert cards["drafts"]["strategy"] == ""


@pytest.mark.parametrize(
    ("model", "says", "whys"),
    [
        ("desk", "It is six.", [""]),
        ("stands", "It is six.", ["draft"]),
        ("climbs", "It is five.", ["draft", "escalate"]),
        ("relays", "It is six.", ["solve", "phrase"]),
    ],
)
def test_a_plain_turn_and_its_record(house, model, says, whys):
    status, headers, body = house.chat(model)
    assert status == 200
    assert body["choices"][0]["message"]["content"] == says
    assert body["model"] in (model, "drafts")
    route = body["zhongshu"]["route"]
    assert route["rule"] == ASSISTANTS[model][0]
    assert route["reason_zh"]
    kept = record(house, body["zhongshu"]["trace"])
    assert [attempt["why"] for attempt in kept["attempts"]] == whys
    assert kept["asked"] == model
    assert kept["reason"] == route["reason"]
    assert headers["x-zhongshu-cost"].split()[0] == body["zhongshu"]["cost"]["amount"]


def test_a_repair_is_streamed_only_when_it_stands(house):
    got = chunks(house, "mends", LETTER)
    progress = [c["zhongshu"]["progress"]["stage"] for c in got[:-1] if "progress" in c.get("zhongshu", {})]
    assert progress == ["draft", "check", "repair", "check"]
    deltas = [c["choices"][0]["delta"] for c in got[:-1] if c["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "It is five."
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == "Let me see."
    assert len({chunk["id"] for chunk in got[:-1]}) == 1
    assert got[-1] == "[DONE]"
    said = got[-2]["zhongshu"]
    assert said["route"]["reason"] == "The reasoning model accepted the draft after 1 repair."
    assert [attempt[5] for attempt in said["attempts"]] == progress


def test_what_the_reasoning_model_finds_by_itself_stands_where_the_draft_is_something_else(house):
    got = chunks(house, "finds-out")
    progress = [c["zhongshu"]["progress"]["stage"] for c in got[:-1] if "progress" in c.get("zhongshu", {})]
    assert progress == ["draft", "solve"]
    deltas = [c["choices"][0]["delta"] for c in got[:-1] if c["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "It is five."
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == "Two, three."
    assert "six" not in json.dumps(got)
    route = got[-2]["zhongshu"]["route"]
    assert "its answer stands" in route["reason"]
    assert "采用推理模型的回答" in route["reason_zh"]
    kept = record(house, got[0]["id"].removeprefix("chatcmpl-"))
    assert [attempt["why"] for attempt in kept["attempts"]] == progress


def test_rounds_that_are_used_up_are_told_to_the_client(house):
    got = chunks(house, "never-done", LETTER)
    assert "not accepted" in got[-2]["zhongshu"]["route"]["reason"]
    assert "six" not in json.dumps(got, ensure_ascii=False)


def test_an_answer_that_breaks_ends_in_an_error_and_is_charged(house):
    got = chunks(house, "climbs-and-breaks")
    assert got[-2]["error"]["code"] == "upstream_cut"
    trace = got[0]["id"].removeprefix("chatcmpl-")
    kept = record(house, trace)
    assert (kept["outcome"], [a["why"] for a in kept["attempts"]]) == ("cut", ["draft", "escalate"])
    assert float(kept["cost"]["amount"]) > 0


def test_a_first_call_that_fails_has_a_status(house):
    for stream in (False, True):
        status, _, body = house.chat("lost", stream=stream)
        assert (status, body["error"]["code"]) == (502, "upstream_error")


def test_a_client_that_leaves_in_the_middle_is_recorded_with_what_was_used(house):
    body = {"model": "climbs-slowly", "messages": [{"role": "user", "content": "2 + 3?"}], "stream": True}
    connection = opened(house, "/v1/chat/completions", body)
    reply = connection.getresponse()
    trace = reply.headers["x-zhongshu-trace"]
    while b"content" not in reply.readline():
        pass
    reply.close()
    connection.close()
    kept = record(house, trace)
    assert (kept["outcome"], [a["why"] for a in kept["attempts"]]) == ("left", ["draft", "escalate"])
    assert kept["attempts"][1]["error"] == "left"
    assert float(kept["cost"]["amount"]) > 0


ASKED = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "2 + 3?"}]}),
    "anthropic": ("/v1/messages", {"max_tokens": 100, "messages": [{"role": "user", "content": "2 + 3?"}]}),
    "responses": ("/v1/responses", {"input": "2 + 3?"}),
    "gemini": (
        "/v1beta/models/{model}:streamGenerateContent?alt=sse",
        {"contents": [{"role": "user", "parts": [{"text": "2 + 3?"}]}]},
    ),
    "ask": ("/v1/ask", {"question": "2 + 3?"}),
}


def streamed_by(house, protocol, model):
    """Status and words of a stream in a protocol."""
    path, body = ASKED[protocol]
    body = body if protocol == "gemini" else {"model": model, "stream": True, **body}
    with contextlib.closing(opened(house, path.format(model=model), body)) as connection:
        reply = connection.getresponse()
        return reply.status, reply.read().decode()


@pytest.mark.parametrize("protocol", ["anthropic", "responses", "gemini"])
def test_other_protocols_carry_the_answer_that_stands(house, protocol):
    status, text = streamed_by(house, protocol, "climbs")
    assert status == 200, text
    assert "five" in text
    assert "six" not in text
    assert ("event: ping" in text) is (protocol == "anthropic")


@pytest.mark.parametrize("protocol", ASKED)
def test_in_every_protocol_the_draft_stands_where_the_escalation_says_nothing(house, protocol):
    status, text = streamed_by(house, protocol, "climbs-to-nothing")
    assert status == 200, text
    assert "six" in text
    ends = {"anthropic": '"max_tokens"', "responses": '"incomplete"', "gemini": "MAX_TOKENS"}
    assert ends.get(protocol, '"length"') not in text, "no second end, of an answer that was none"


@pytest.mark.parametrize("protocol", ASKED)
def test_what_breaks_before_a_protocol_has_sent_a_byte_has_a_status(house, protocol):
    """Chat, Anthropic and Responses have shown by then what is going on; the others have shown nothing."""
    status, text = streamed_by(house, protocol, "lost-midway")
    assert status == (502 if protocol in ("gemini", "ask") else 200), text
    assert "broke off in the middle" in text


def test_the_command_line_shows_what_is_going_on(house):
    assert house.cli("ask", "-m", "mends", LETTER).strip() == "It is five."


def test_a_key_may_be_bound_to_an_assistant_alone(house):
    made = json.loads(house.cli("keys", "create", "desk-only", "--models", "climbs", "--json"))
    secret = made.get("secret") or made["key"]
    status, _, body = house.chat("climbs", key=secret)
    assert (status, body["choices"][0]["message"]["content"]) == (200, "It is five.")
    assert house.chat("drafts", key=secret)[0] == 403
