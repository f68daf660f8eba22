"""The strategies benchmark without big models: a cut run goes on, rows have their shape, labels are what `route` reads."""

from __future__ import annotations

import http.server
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from benchmarks.questions import making, talks
from benchmarks.questions.kinds import KINDS, LANGUAGES, Question
from benchmarks.rows import Row
from benchmarks.strategy_outcomes import Outcome, Outcomes
from benchmarks.strategy_rows import by_question, judge_rows, picture, rows_of

from benchmarks import servers, strategies
from zhongshu.app.loading import load
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.linear import FOR_PAIRS
from zhongshu.router.difficulty.linear import load as load_model
from zhongshu.router.difficulty.training import read_lines
from zhongshu.router.task import mark

TRAIN = making.questions("train")
PAIR = FOR_PAIRS[strategies.GENERAL, strategies.REASONING]


def outcome(way: str, number: int, *, right: bool, compute: float, model: str = "small@1") -> Outcome:
    question = TRAIN[number]
    return Outcome(
        way=way, id=question.id, kind=question.kind, language=question.language,
        asked=strategies.digest(way, question), right=right, answer="42", prompt_tokens=9, tokens=10, thinking=4,
        compute=compute, seconds=1.5, model=model, rule="hard", reason="Because.",
    )  # fmt: skip


def todays() -> set[tuple[str, str]]:
    return {(way, strategies.digest(way, one)) for way in strategies.WAYS for one in TRAIN}


@pytest.fixture
def stand_in() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A server with Zhongshu's chat protocol that answers 42 at once: only what is asked of it is of interest here."""
    asked: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            body = json.dumps(REPLY).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, asked
    server.shutdown()
    server.server_close()


REPLY = {
    "choices": [{"message": {"content": "42", "reasoning_content": "6 * 7"}}],
    "zhongshu": {
        "usage": {"prompt": 9, "completion": 12, "thinking": 8},
        "cost": {"amount": "0.000021325", "currency": "CNY"},
        "route": {"release": "big@1", "rule": "hard", "reason": "Because."},
    },
}


def test_a_cut_run_goes_on_and_asks_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: tuple[int, list[dict[str, Any]]]
) -> None:
    port, asked = stand_in
    file = tmp_path / "work" / "train.jsonl"
    monkeypatch.setattr(strategies, "platform", lambda: _Open(port))
    options = strategies.Options(split="train", ways=("general", "reasoning"))
    kept = Outcomes(file)
    kept.add(outcome("general", 0, right=True, compute=1.0))
    kept.add(outcome("general", 1, right=True, compute=1.0))
    with file.open("ab") as lines:
        lines.write(b'{"way": "general", "id": "train-')  # the machine went off in the middle of a line
    strategies.run_all(options, Outcomes(file))
    assert len(asked) == 2 * len(TRAIN) - 2
    again = Outcomes(file)
    assert len(again.outcomes) == 2 * len(TRAIN)
    assert len({(one.way, one.id) for one in again.outcomes}) == 2 * len(TRAIN)
    strategies.run_all(options, again)
    assert len(asked) == 2 * len(TRAIN) - 2
    again.drop(["reasoning"])
    assert {one.way for one in Outcomes(file).outcomes} == {"general"}


class _Open:
    def __init__(self, port: int) -> None:
        self.port = port

    def __enter__(self) -> int:
        return self.port

    def __exit__(self, *_: object) -> None: ...


def test_a_question_that_changed_is_asked_again(tmp_path: Path) -> None:
    kept = Outcomes(tmp_path / "o.jsonl")
    kept.add(outcome("general", 0, right=True, compute=1.0))
    changed = {("general", "another digest")}
    assert by_question(kept.outcomes, changed) == {}
    assert by_question(kept.outcomes, todays())["general"].keys() == {TRAIN[0].id}


def test_an_outcome_is_read_off_a_reply(stand_in: tuple[int, list[dict[str, Any]]]) -> None:
    port, asked = stand_in
    found = strategies.asked(port, "auto", TRAIN[0])
    assert (found.tokens, found.thinking, found.model, found.right) == (12, 8, "big@1", TRAIN[0].truth == ("42",))
    assert found.compute == pytest.approx(12 * 1.777, abs=0.01)
    assert asked[0]["temperature"] == 0
    assert asked[0]["model"] == "auto"
    assert asked[0]["messages"] == [{"role": "user", "content": TRAIN[0].prompt}]


def test_a_conversation_is_asked_whole_and_is_another_question(stand_in: tuple[int, list[dict[str, Any]]]) -> None:
    port, asked = stand_in
    talk, other = talks.questions()[:2]
    strategies.asked(port, "front-back", talk)
    said = [(message["role"], message["content"]) for message in asked[0]["messages"]]
    assert said == [*talk.before, ("user", talk.prompt)]
    changed = msgspec.structs.replace(talk, before=other.before)
    assert strategies.digest("auto", talk) != strategies.digest("auto", changed)


def test_a_refusal_stops_the_run_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((servers.Unavailable, OSError)):
        strategies.asked(servers.free_port(), "auto", TRAIN[0])


def test_a_question_without_an_answer_is_left_for_the_next_run_and_many_end_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: tuple[int, list[dict[str, Any]]]
) -> None:
    port, _ = stand_in
    answered, silent = strategies.asked, {one.id for one in TRAIN[3:7]}

    def asked(at: int, way: str, question: Question) -> Outcome:
        if question.id in silent:
            raise servers.Unavailable("too busy")
        return answered(at, way, question)

    monkeypatch.setattr(strategies, "platform", lambda: _Open(port))
    monkeypatch.setattr(strategies, "asked", asked)
    kept = Outcomes(tmp_path / "o.jsonl")
    options = strategies.Options(split="train", ways=("auto",))
    strategies.run_all(options, kept)
    assert {one.id for one in TRAIN} - {one.id for one in kept.outcomes} == silent
    silent.clear()
    strategies.run_all(options, kept)
    assert len(kept.outcomes) == len(TRAIN)
    silent.update(one.id for one in TRAIN)
    with pytest.raises(servers.Unavailable, match="too busy"):
        strategies.run_all(options, Outcomes(tmp_path / "other.jsonl"))


def test_rows_say_what_auto_keeps_and_what_it_takes() -> None:
    found = [
        *(outcome("general", n, right=n % 2 == 0, compute=10.0) for n in range(40)),
        *(outcome("reasoning", n, right=True, compute=100.0, model="big@1") for n in range(40)),
        *(outcome("auto", n, right=True, compute=10.0 if n % 2 == 0 else 100.0) for n in range(40)),
        *(outcome("cascade", n, right=n % 2 == 0, compute=150.0) for n in range(8)),
    ]
    ways = by_question(found, todays())
    rows = {row.name: row for row in rows_of(("general", "reasoning", "auto", "cascade", "tiered"), ways)}
    accuracy, compute = rows["auto: accuracy"], rows["auto: compute"]
    assert (accuracy.value, accuracy.ratio, accuracy.met) == (1.0, 1.0, True)
    assert (compute.value, compute.ratio, compute.met) == (55.0, 0.55, True)
    assert rows["always general: accuracy"].value == 0.5
    assert rows["always reasoning: accuracy"].reference is None
    assert rows["auto: accuracy above a random mix of equal compute"].value == pytest.approx(0.25)
    assert "it pays" in rows["auto: accuracy above a random mix of equal compute"].note
    assert "it does not pay" in rows["cascade: accuracy above a random mix of equal compute"].note
    assert "8 questions" in rows["cascade: accuracy"].note
    assert rows["tiered: accuracy"].value is None
    assert "not asked yet" in rows["tiered: accuracy"].note
    assert all(isinstance(row, Row) and row.unit for row in rows.values())
    assert [row.name for row in rows.values() if row.target] == ["auto: accuracy", "auto: compute"]
    assert picture(ways).startswith("<svg")


def test_judges_are_compared_by_what_each_way_did_with_their_choices() -> None:
    found = [
        *(outcome("general", n, right=False, compute=1.0) for n in range(20)),
        *(outcome("reasoning", n, right=True, compute=100.0) for n in range(20)),
        *(outcome(strategies.REASONING, n, right=True, compute=10.0) for n in range(20)),
    ]
    prompts = {one.id: one.prompt for one in TRAIN}
    rows = {
        row.name: row for row in judge_rows({"pair": Judge(load_model(PAIR))}, prompts, by_question(found, todays()))
    }
    chosen, compute = rows["judge pair: accuracy, by the single models' answers"], [*rows.values()][1]
    texts = sum(mark(one.prompt).task == "transform" for one in TRAIN[:20])
    sums = sum(one.kind == "arithmetic" for one in TRAIN[:20])
    assert chosen.value == pytest.approx(1 - texts / 20)
    assert compute.value == pytest.approx((texts + sums * 100 + (20 - texts - sums) * 10) / 20)
    assert judge_rows({}, prompts, {}) == []


def test_rows_miss_their_target_where_auto_is_no_better_than_the_small_model() -> None:
    found = [
        *(outcome("general", n, right=n % 2 == 0, compute=10.0) for n in range(40)),
        *(outcome("reasoning", n, right=True, compute=100.0) for n in range(40)),
        *(outcome("auto", n, right=n % 2 == 0, compute=90.0) for n in range(40)),
    ]
    rows = {row.name: row for row in rows_of(("auto",), by_question(found, todays()))}
    assert rows["auto: accuracy"].met is False
    assert rows["auto: compute"].met is False


def test_labels_are_lines_that_training_reads(tmp_path: Path) -> None:
    kept = Outcomes(tmp_path / "o.jsonl")
    for number in range(3):
        kept.add(outcome("general", number, right=number == 0, compute=1.0))
    for number in range(2):
        kept.add(outcome("reasoning", number, right=True, compute=1.0))
    options = strategies.Options(split="train")
    assert strategies.labels(options, kept, tmp_path / "labels.jsonl") == 2
    first, second = read_lines(tmp_path / "labels.jsonl")
    assert (first.prompt, first.weak_correct, first.strong_correct) == (TRAIN[0].prompt, True, True)
    assert second.weak_correct is False
    assert second.weak_response == "42"


def test_the_slow_ways_get_a_subset_even_over_kinds() -> None:
    options = strategies.Options(split="report", each=3)
    few = strategies.chosen(options, "front-back")
    assert Counter((one.kind, one.language) for one in few) == {(k, lang): 3 for k in KINDS for lang in LANGUAGES}
    assert len(strategies.chosen(options, "auto")) == len(making.questions("report"))


def test_the_settings_hold_every_way_and_start(tmp_path: Path) -> None:
    strategies.write_settings(tmp_path, 1)
    settings = load(tmp_path / "zhongshu.toml", environ={})
    assert {row.name for row in settings.assistants} == set(strategies.WAYS) - {"auto", strategies.REASONING}
    assert {row.model: row.output for row in settings.prices} == {
        "qwen2.5-coder-0.5b": 0.630167424,
        "qwen2.5-coder-1.5b": 1.777088,
    }
