"""`zhongshu releases`, typed as a user types it, over a state directory and a ledger of its own."""

import asyncio
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner, Result

from zhongshu.cli import releases
from zhongshu.core.answers import Usage
from zhongshu.core.clock import SystemClock
from zhongshu.core.ids import trace_id
from zhongshu.core.records import Record
from zhongshu.ledger.index import open_index
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.payloads import Happening
from zhongshu.ledger.reader import entries
from zhongshu.ledger.settings import LedgerSettings

app = typer.Typer()
app.add_typer(releases.app, name="releases")

SETTINGS = 'profile = "none"\n[[upstreams]]\nname = "up"\nbase_url = "http://127.0.0.1:1/v1"\nkey = "none"\n' + "".join(
    f'[[models]]\nname = "{name}"\nversion = "{version}"\nupstream = "up"\n' for name, version in (("m", 1), ("m", 2), ("solo", 1))
)  # fmt: skip


@pytest.fixture(autouse=True)
def _home(home: Path, tmp_path: Path) -> None:
    (tmp_path / "zhongshu.toml").write_text(SETTINGS)


def zhongshu(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["releases", *words])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def as_json(*words: str) -> Any:
    return json.loads(zhongshu(*words, "--json").stdout)


def recorded(home: Path, *fields: dict[str, Any]) -> list[str]:
    """Turns in the ledger; their traces."""

    async def write() -> list[str]:
        journal = open_journal(LedgerSettings(min_free_bytes=0), home, "worker-0", SystemClock())
        traces = []
        for number, field in enumerate(fields):
            made = {
                "trace": trace_id(), "at_ns": SystemClock().now_ns(), "outcome": "answered", "tenant": "t",
                "key_id": f"k_{number}", "asked": "m", "usage": Usage(3, 2), "took_us": 1000 + number, "first_us": 100,
                "cost_nano": 1000, "prompt": b"{}", "answer": b'[{"index":0,"text":"fine"}]', **field,
            }  # fmt: skip
            await journal.write(Record(**made))
            traces.append(made["trace"])
        await journal.aclose()
        return traces

    return asyncio.run(write())


def test_shares_rules_and_going_back(home: Path):
    assert [row["model"] for row in as_json("list")] == ["m", "solo"]
    assert "1 90%, 2 10%" in zhongshu("split", "m", "1=90", "2=10").stdout
    zhongshu(
        "split", "m", "--rule", "2:tenant=acme,tenant=beta,header=x-beta=on", "--rule", "2:user=ann", "--sticky", "turn"
    )
    shown = as_json("show", "m")
    assert shown["percents"] == {"1": 90, "2": 10}
    assert shown["plan"]["rules"] == [
        {"release": "2", "tenants": ["acme", "beta"], "header": "x-beta", "value": "on"},
        {"release": "2", "users": ["ann"]},
    ]
    text = zhongshu("show", "m").stdout
    assert "acme, beta, x-beta=on -> 2" in text
    assert as_json("split", "m", "--no-rules")["after"]["rules"] == []
    zhongshu("promote", "m", "2")
    assert as_json("rollback", "m")["after"]["shares"] == {"1": 90.0, "2": 10.0}
    assert as_json("rollback", "m", "--to", "4")["after"]["shares"] == {"2": 100.0}
    history = as_json("history", "m")
    assert [change["what"] for change in history] == ["rollback", "rollback", "promote", "split", "split", "split"]
    assert {change["by"] for change in history} == {"cli"}
    assert "promote" in zhongshu("history", "m", "-n", "4").stdout
    events = [entry.content for entry in entries(home, "cli") if isinstance(entry.content, Happening)]
    assert [event.name for event in events] == ["release_changed"] * 6
    assert json.loads(events[0].facts["after"])["shares"] == {"1": 90.0, "2": 10.0}


def test_ab_shadow_and_canary():
    assert as_json("ab", "m", "1", "2")["after"]["shares"] == {"1": 1.0, "2": 1.0}
    assert as_json("shadow", "m", "2", "--percent", "10")["after"]["shadow"] == {"release": "2", "percent": 10.0}
    assert as_json("shadow", "m", "off")["after"]["shadow"] is None
    zhongshu("promote", "m", "1")
    made = as_json(
        "canary", "m", "2", "--steps", "1,10", "--hold", "30m", "--errors", "1%", "--slower", "none", "--dearer", "0.1"
    )
    canary = made["after"]["canary"]
    assert (canary["steps"], canary["step_s"]) == ([1.0, 10.0], 1800.0)
    assert canary["checks"] == {"error_rate": 0.01, "latency": None, "cost": 0.1, "score": None}
    listed = as_json("list")[0]
    assert (listed["canary"], listed["percents"]) == ("2", {"1": 99, "2": 1})
    assert "2: [1%], 10%" in zhongshu("show", "m").stdout
    assert "too few" in as_json("show", "m")["standing"]["en"]
    assert "canary" in zhongshu("list").stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("split", "m"), 2, "--rule"),
        (("split", "m", "1"), 2, "1=90"),
        (("split", "m", "1=many"), 2, "1=90"),
        (("split", "m", "--rule", "2"), 2, "--rule 2"),
        (("split", "m", "--rule", "2:moon=full"), 2, "tenant="),
        (("split", "m", "1=1", "--sticky", "moon"), 2, "--sticky moon"),
        (("split", "m", "9=1"), 1, "m@9"),
        (("split", "nope", "1=1"), 1, "nope"),
        (("ab", "m", "1"), 2, "two"),
        (("canary", "m", "2", "--steps", "a,b"), 2, "--steps a,b"),
        (("canary", "m", "2", "--hold", "long"), 2, "--hold long"),
        (("canary", "m", "2", "--errors", "few"), 2, "--errors few"),
        (("canary", "m", "2", "--errors", "none", "--slower", "none"), 1, "check"),
        (("promote", "m"), 1, "`release`"),
        (("rollback", "m"), 1, "history"),
        (("compare", "0" * 32), 1, "0" * 32),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_cannot_be_done_says_why(words, code, says, language, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ZHONGSHU_LANG", language)
    said = "".join(zhongshu(*words, code=code).stderr.split())
    if language == "en" or not says.isalpha():  # a field, an option or an example is said in both
        assert "".join(says.split()) in said
    if language == "zh":
        assert any("一" <= letter <= "鿿" for letter in said)


def test_a_report_in_words_json_and_a_picture(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    recorded(
        home,
        *({"release": "m@1", "split": "shares: m@1"} for _ in range(60)),
        *({"release": "m@2", "split": "shares: m@2", "took_us": 9000} for _ in range(60)),
    )
    text = zhongshu("report", "m", "--svg", str(tmp_path / "ab.svg")).stdout
    assert "The median time of a turn of m@2 is higher than m@1's" in text
    assert "a real difference" in text
    drawn = (tmp_path / "ab.svg").read_text()
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert "m@2" in drawn
    made = as_json("report", "m", "--since", "1h")
    assert [row["turns"] for row in made["releases"]] == [60, 60]
    assert {row["figure"]: row["verdict"] for row in made["differences"]}["took_p50"] == "higher"
    monkeypatch.setenv("ZHONGSHU_LANG", "zh")
    assert "差别是真实的" in zhongshu("report", "m").stdout
    monkeypatch.setenv("ZHONGSHU_LANG", "en")
    assert "Nothing to show" in zhongshu("report", "solo").stdout


def test_answers_side_by_side(home: Path):
    trace = trace_id()
    recorded(
        home,
        {"trace": trace, "release": "m@1"},
        {"release": "m@2", "shadow_of": trace, "answer": b'[{"index":0,"text":"finer"}]'},
        {"trace": "f" * 32, "release": "m@1"},
    )
    shown = zhongshu("compare", trace).stdout
    assert "fine" in shown
    assert "finer" in shown
    assert [side["answer"][0]["text"] for side in as_json("compare", trace)] == ["fine", "finer"]
    assert "no shadow" in zhongshu("compare", "f" * 32).stdout
    assert open_index(LedgerSettings(), home).show(trace)
