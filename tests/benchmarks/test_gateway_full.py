"""The cases of the gateway's whole table: who is compared with what. Nothing is started here."""

from __future__ import annotations

import json

import msgspec
import pytest
from benchmarks.contestants import Running

from benchmarks import cache, gateway_full, load, servers


@pytest.fixture
def running() -> Running:
    headers = {"authorization": "Bearer k", "x-portkey-custom-host": "http://127.0.0.1:9/v1"}
    return Running(servers.Server("trial", ["true"], core=0, port=1), load.Door(port=1, headers=headers))


def test_every_case_is_compared_with_one_of_the_same_server(running: Running) -> None:
    for cases in (
        gateway_full.cases_of_zhongshu(running, running),
        gateway_full.cases_of_portkey(running),
        gateway_full.cases_of_litellm(running),
    ):
        keys = {case.key: case for case in cases}
        assert len(keys) == len(cases)
        assert all(keys[case.against].streams == case.streams for case in cases if case.against)


def test_portkeys_targets_all_have_the_address(running: Running) -> None:
    careful = gateway_full.cases_of_portkey(running)[1]

    wanted = json.loads(careful.door.headers["x-portkey-config"])

    first, last = wanted["targets"]
    assert [end["custom_host"] for end in (*first["targets"], last)] == ["http://127.0.0.1:9/v1"] * 3
    assert [end["weight"] for end in first["targets"]] == [0.9, 0.1]
    assert "custom_host" not in first


def test_failed_requests_leave_no_figure_and_targets_are_judged(running: Running) -> None:
    cases = gateway_full.cases_of_zhongshu(running, running)
    seen = load.Plain(1000, 1.0, 50, 60, 70, 80, 0, 0)
    for case in cases:
        case.plain = [] if case.streams else [seen]
        case.spent_us = [70.0]
    cases[0].broken = 1
    assert {case.key: b"@@@@@@" in gateway_full.body_of(case) for case in cases if case.key in ("new", "auto", "idle")} == {
        "new": True, "auto": True, "idle": False,
    }  # fmt: skip
    latency = cache.Latency(own_p50=0.31, own_p99=1, client_p50=1, processor=1)
    outcome = gateway_full.Outcome("Zhongshu", cases, hit=latency)

    found = {row.name: row for row in gateway_full.report({"zhongshu": outcome})}

    assert found["Zhongshu, plain chat, 32 connections"].value is None
    assert found["Zhongshu, model auto, each question another, 32 connections"].met is True
    translated = "Zhongshu, Anthropic in, OpenAI out, stream translated, processor time for a chunk"
    assert (found[translated].ratio, found[translated].met) == (1.0, True)
    assert found["Zhongshu, exact cache hit, own time p50"].met is False


def test_what_cannot_be_started_says_why() -> None:
    (row,) = gateway_full.report({"litellm": gateway_full.Outcome("LiteLLM", skipped="no package index")})

    assert (row.value, row.note) == (None, "no package index")


def test_anthropics_body_names_its_tokens() -> None:
    body = msgspec.json.decode(load.message_body("mock", chunks=7, words="[[x]]"))

    assert (body["max_tokens"], body["stream"]) == (7, True)
    assert "[[x]]" in body["messages"][0]["content"]
