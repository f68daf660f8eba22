"""Taking records out: whole, and never text without its AI label."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from zhongshu.core.clock import FakeClock
from zhongshu.core.records import Record
from zhongshu.ledger.export import LabelWords, export
from zhongshu.ledger.index import Index
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.rows import Filter
from zhongshu.ledger.settings import LedgerSettings

Make = Callable[..., Record]
WORDS = LabelWords(producer="001191110108MA01XXXXXX10001")


@pytest.fixture
async def index(settings: LedgerSettings, home: Path, clock: FakeClock, make: Make) -> Index:
    journal = open_journal(settings, home, "w0", clock)
    await journal.write(make(1))
    await journal.write(make(2, outcome="refused", answer=b"", prompt=b"not json", label="", user="=1+1"))
    await journal.aclose()
    return Index(home)


def lines(index: Index, *, text: bool) -> list[dict[str, object]]:
    turns = (index.whole(row, text=text) for row in index.each(Filter()))
    return [msgspec.json.decode(line) for line in export(turns, "jsonl", WORDS)]


async def test_text_carries_both_labels(index: Index, make: Make) -> None:
    answered, refused = lines(index, text=True)
    assert answered["prompt"] == {"messages": [{"role": "user", "content": "hello 1"}]}
    assert answered["explicit_label"] == {"text": WORDS.text, "text_zh": WORDS.text_zh}
    assert answered["AIGC"] == {
        "Label": "1",
        "ContentProducer": WORDS.producer,
        "ProduceID": make(1).trace,
        "ReservedCode1": "",
        "ContentPropagator": WORDS.producer,
        "PropagateID": make(1).trace,
        "ReservedCode2": "",
    }
    assert "AIGC" not in refused
    assert refused["prompt"] == "not json"


async def test_without_text_there_is_none(index: Index) -> None:
    for line in lines(index, text=False):
        assert not {"prompt", "answer", "AIGC"} & line.keys()
        assert line["text"] == "sealed"


async def test_a_spreadsheet_gets_no_formula_from_a_user(index: Index) -> None:
    turns = (index.whole(row, text=True) for row in index.each(Filter()))
    data = b"".join(export(turns, "csv", WORDS)).decode("utf-8-sig")
    answered, refused = csv.DictReader(io.StringIO(data))
    assert refused["user"] == "'=1+1"
    assert answered["prompt_tokens"] == "10"
    assert '"ProduceID"' in answered["AIGC"]
    assert WORDS.text_zh in answered["explicit_label"]
    assert refused["AIGC"] == ""
