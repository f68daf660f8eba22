"""The crowd: its clients must notice what is wrong. Against the mock upstream itself; no timing is asserted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import msgspec
import pytest
from benchmarks.crowd_clients import Client, Crowd, Question, judge, letters

from benchmarks import crowd, load, machine, servers
from zhongshu.core.records import Attempt, Record


@pytest.mark.parametrize(
    ("question", "text", "finished", "right"),
    [
        (Question("abc"), "beta.abc", True, True),
        (Question("abc"), "beta.abd", True, False),
        (Question("abc"), "", True, False),
        (Question("abc"), "nobody.abc", True, False),
        (Question("abc", 2), " beta.abc.0 beta.abc.1", True, True),
        (Question("abc", 3), " beta.abc.0 beta.abc.1", True, False),
        (Question("abc", 3), " beta.abc.0 beta.abc.1", False, True),
        (Question("abc", 2), " beta.abc.0 gamma.abc.1", True, False),
        (Question("abc", 2), " beta.abc.0 beta.abd.1", True, False),
        (Question("abc", 2), " beta.abc.0 beta.abc.0", True, False),
        (Question("abc", 3), " beta.abc.0 beta.abc.2", False, False),
        (Question("abc", 3), " beta.abc.1", False, False),
        (Question("abc", 3), "", False, True),
    ],
)
def test_only_the_answer_to_its_own_question_is_right(
    question: Question, text: str, finished: bool, right: bool
) -> None:
    assert judge(question, text, finished=finished)[0] is right


def test_no_two_questions_have_one_word() -> None:
    words = {letters(number) for number in range(1, 20_000)}

    assert len(words) == 19_999
    assert all(word.isalpha() for word in words)


@pytest.fixture(scope="module")
def beta(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZHONGSHU_BENCH_CACHE", str(tmp_path_factory.mktemp("bench")))
        with servers.mock(machine.cores().load, interval_ms=1, name="beta") as server:
            yield server


async def test_what_a_client_sees(beta: servers.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.crowd_clients.INTERVAL_MS", 1)
    load.reset_mock(beta.port)
    client = Client(load.Door(port=beta.port))

    seen = [
        await client.ask(question)
        for question in (Question("one"), Question("two", 5), Question("three", 500, 2), Question("four"))
    ]
    client.close()

    assert [(one.kind, one.name) for one in seen] == [
        ("whole", "beta"), ("whole", "beta"), ("left", "beta"), ("whole", "beta"),
    ]  # fmt: skip
    assert load.mock_stats(beta.port).finished == 1


@pytest.mark.parametrize(
    ("word", "chunks", "kind"),
    [("x]][[mock:500", 0, "wrong"), ("x]][[mock:cut", 6, "wrong"), ("x", 6, "whole"), ("X", 6, "wrong")],
)
async def test_trouble_that_a_gateway_must_not_hand_on(
    beta: servers.Server, monkeypatch: pytest.MonkeyPatch, word: str, chunks: int, kind: str
) -> None:
    """An error without a code, a stream that is cut, and the words of nobody's question."""
    monkeypatch.setattr("benchmarks.crowd_clients.INTERVAL_MS", 1)
    client = Client(load.Door(port=beta.port))

    seen = await client.ask(Question(word, chunks))
    client.close()

    assert seen.kind == kind


async def test_a_server_that_is_not_there() -> None:
    seen = await Client(load.Door(port=servers.free_port())).ask(Question("x"))

    assert (seen.kind, seen.trace) == ("wrong", "")


def test_records_are_held_against_what_clients_saw() -> None:
    books = crowd.Books()
    record = Record(
        trace="t",
        at_ns=1,
        outcome="answered",
        upstream="beta",
        attempts=(Attempt("alpha", "mock", 500, "upstream_error", 5), Attempt("beta", "mock", 200, "", 5, "retry")),
    )

    crowd._count(books, record, ("whole", "beta"))
    assert (books.otherwise, books.why["retry"], books.errors["upstream_error"]) == (0, 1, 1)

    crowd._count(books, record, ("whole", "alpha"))
    crowd._count(books, record, ("left", "beta"))
    crowd._count(books, record, ("broken", "beta"))
    crowd._count(books, msgspec.structs.replace(record, outcome="cut"), ("broken", ""))
    assert books.otherwise == 2


def test_a_lost_record_and_a_wrong_answer_miss_their_targets() -> None:
    seen = Crowd(load.Door(port=1), 1)
    seen.kinds.update(whole=9, wrong=1)
    outcome = crowd.Outcome(crowd=seen, books=crowd.Books(whole=True, lost=1), sockets=crowd.Sockets(0, 5, 0))

    missed = [
        row.name.partition(": ")[2] for row in crowd.report(outcome, crowd.Options(minutes=1)) if row.met is False
    ]

    assert missed == ["wrong answers", "acknowledged turns lost"]
