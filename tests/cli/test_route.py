"""`zhongshu route explain`, `tune` and `report`, over files and a real journal."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from tests.cli.test_ledger import record
from zhongshu.cli.route import app
from zhongshu.core.clock import SystemClock
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.settings import LedgerSettings

HARD = "Prove that there is no largest prime."
EASY = "What is the capital of France?"
TOML = """
profile = "none"
[[upstreams]]
name = "s"
kind = "openai-compatible"
base_url = "http://127.0.0.1:1/v1"
key = "none"
[[models]]
name = "small"
upstream = "s"
tier = "general"
[[models]]
name = "deep"
upstream = "s"
tier = "reasoning"
"""
BODIES = {
    1: {"messages": [{"role": "user", "content": HARD}]},
    2: {"contents": [{"role": "user", "parts": [{"text": EASY}]}]},
    3: {"input": [{"role": "user", "content": [{"type": "input_text", "text": HARD}]}]},
    4: {"question": EASY, "zhongshu": {"quality": 1.0}},
}


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def told(*words: str) -> dict[str, object]:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


async def write(home: Path, text: str) -> None:
    journal = open_journal(LedgerSettings(min_free_bytes=0, text=text), home, "w0", SystemClock())
    for number, body in BODIES.items():
        release = "deep@1" if number in (1, 3) else "small@1"
        more = {"prompt": msgspec.json.encode(body), "release": release, "rule": "hard", "reason": "It was so."}
        await journal.write(msgspec.structs.replace(record(number), **more))
    await journal.aclose()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "zhongshu.toml").write_text(TOML)
    monkeypatch.setenv("ZHONGSHU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZHONGSHU_LANG", "en")
    monkeypatch.delenv("ZHONGSHU_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def trace(number: int) -> str:
    return "0" * 31 + str(number)


def test_every_protocol_s_words_are_read_again(home: Path) -> None:
    asyncio.run(write(home, "encrypted"))
    tasks = [told("explain", trace(number))["task"] for number in BODIES]
    assert tasks == ["proof", "lookup", "proof", "lookup"]
    changed = told("explain", trace(4))
    assert (changed["dial"], changed["same_now"], changed["now"]["release"]) == (1.0, False, "deep@1")
    shown = run("explain", trace(1)).stdout
    assert "It was so." in shown
    assert "turns round at dial" in shown


def test_who_reads_chinese_is_told_in_chinese(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record holds the reason in English; kind, features, whose dial it was and the reason are worded anew."""

    async def written() -> None:
        journal = open_journal(LedgerSettings(min_free_bytes=0, text="encrypted"), home, "w0", SystemClock())
        body = {"messages": [{"role": "user", "content": "小林有三百二十张邮票，她把一半给了弟弟，还剩多少张？"}]}
        why = (
            "This is mathematics: deep thought is expected to move the chance of a right answer from 0.71 to 0.86, at least "
            "the 0.12 that dial 0.50 asks for; expected cost 0.01276 CNY."
        )
        facts = {"prompt": msgspec.json.encode(body), "rule": "hard", "reason": why, "release": "gone@1"}
        await journal.write(msgspec.structs.replace(record(1), **facts))
        await journal.aclose()

    asyncio.run(written())
    monkeypatch.setenv("ZHONGSHU_LANG", "zh")
    shown = run("explain", trace(1)).stdout
    said = "".join(shown.split())
    assert "深度思考预计使答对的可能从0.71变为0.86，不低于档位0.50所要求的0.12；预计费用0.01276CNY。" in said
    assert "数学（由训练的模型判断）" in said
    assert "字数" in said
    assert "档位0.5(设置)" in said
    assert "characters" not in shown
    found = told("explain", trace(1))
    assert (found["task"], found["task_zh"]) == ("mathematics", "数学")
    assert {"en": "length in characters", "zh": "字数"}.items() <= found["weightiest"][0].items()


@pytest.mark.parametrize(("text", "state"), [("none", "not kept"), ("digest", "digest only")])
def test_a_text_that_was_not_kept_is_not_explained(home: Path, text: str, state: str) -> None:
    asyncio.run(write(home, text))
    refused = run("explain", trace(1))
    assert refused.exit_code == 1
    assert state in refused.stderr
    assert "It was so." in refused.stderr


def lines(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return str(path)


def test_tune_prints_the_setting(home: Path, tmp_path: Path) -> None:
    rows = [{"prompt": HARD, "weak_correct": False, "strong_correct": True}] * 10
    rows += [{"prompt": EASY, "weak_correct": True, "strong_correct": True}] * 10
    file = lines(tmp_path / "rows.jsonl", rows)
    found = told("tune", "--quality", "0.95", file)
    assert found["strong_calls"]["value"] == 0.5
    assert found["setting"] == f"[router]\ndial = {found['dial']:g}\n"
    assert "[router]" in run("tune", file).stdout


def labelled(file: Path, rows: int, weak_wrong: int) -> str:
    """So many hard questions, of which the general model fails every so-manieth and the reasoning model none."""
    lines = ({"prompt": HARD, "weak_correct": int(n % weak_wrong > 0), "strong_correct": 1} for n in range(rows))
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return str(file)


def test_a_dial_to_be_sure_of(home: Path, tmp_path: Path) -> None:
    file = labelled(tmp_path / "rows.jsonl", 200, 15)  # 93% right by the general model alone
    guess, sure = (
        told("tune", "--quality", "0.92", file),
        told("tune", "--quality", "0.92", "--confidence", "0.95", file),
    )
    assert (guess["dial"], guess["reached"], guess["sure"]["dial"]) == (0.0, True, sure["dial"])
    assert sure["dial"] > 0
    said = " ".join(run("tune", "--quality", "0.92", file).stdout.split())
    assert "To be 95% sure takes 100.0% of calls: --confidence 0.95." in said
    assert "95% sure to keep 92%" in run("tune", "--quality", "0.92", "--confidence", "0.95", file).stdout
    few = run("tune", "--confidence", "0.95", labelled(tmp_path / "few.jsonl", 20, 15))
    assert few.exit_code == 0
    assert "No dial is 95% sure" in few.stdout
    assert "questions like these" in few.stdout
    for wrong in ("0.3", "1", "nan"):
        assert run("tune", "--confidence", wrong, file).exit_code == 2


def test_a_report_says_whether_a_share_was_kept(home: Path, tmp_path: Path) -> None:
    file = labelled(tmp_path / "rows.jsonl", 200, 15)
    found = told("report", "--labels", file, "--quality", "0.95")["proof"]["promise"]
    assert (found["state"], found["rows"], found["needed"]) == ("kept", 200, None)
    assert "was kept: 95% sure" in run("report", "--labels", file, "--quality", "0.95").stdout
    assert told("report", "--labels", file)["proof"]["promise"] is None
    few = told("report", "--labels", labelled(tmp_path / "few.jsonl", 20, 15), "--quality", "0.95")
    assert few["proof"]["promise"]["state"] == "open"
    assert "takes about" in few["proof"]["promise"]["said"]
    alone = run("report", "--labels", file, "--confidence", "0.9")
    assert (alone.exit_code, "--quality" in alone.stderr) == (2, True)


def test_what_costs_more_than_always_reasoning_is_said_so(home: Path) -> None:
    asyncio.run(write(home, "encrypted"))  # the general model was paid, and by the settings of now both are free
    assert "100.0% more was paid" in run("report").stdout


def test_what_cannot_be_tuned_or_read_is_refused(home: Path, tmp_path: Path) -> None:
    nothing = lines(tmp_path / "a.jsonl", [{"prompt": HARD, "weak_correct": False, "strong_correct": False}])
    assert run("tune", nothing).exit_code == 1
    bad = lines(tmp_path / "b.jsonl", [{"prompt": HARD}])
    refused = run("tune", bad)
    assert (refused.exit_code, "line 1" in refused.stderr) == (2, True)
    assert run("tune", str(tmp_path / "none.jsonl")).exit_code == 2
    outside = lines(tmp_path / "c.jsonl", [{"prompt": HARD, "weak_correct": 2, "strong_correct": 0}])
    assert run("report", "--labels", outside).exit_code == 2
    assert (
        run("report", "--labels", lines(tmp_path / "d.jsonl", [{"weak_correct": 1, "strong_correct": 0}])).exit_code
        == 2
    )


def test_a_report_of_prompts_needs_no_ledger(home: Path, tmp_path: Path) -> None:
    rows = [
        {"prompt": HARD, "weak_correct": 0, "strong_correct": 1, "weak_cost": 1, "strong_cost": 9},
        {"prompt": EASY, "weak_correct": 1, "strong_correct": 1, "weak_cost": 1, "strong_cost": 9},
    ]
    file = lines(tmp_path / "judged.jsonl", rows)
    proof = told("report", "--labels", file)["proof"]
    assert {way["name"]: way["quality"] for way in proof["ways"]}["done"] == 1.0
    assert run("report", "--labels", file, "--svg", str(tmp_path / "p.svg")).exit_code == 0
    assert (tmp_path / "p.svg").read_text().startswith("<svg")


def test_a_report_of_turns_nobody_judged(home: Path, tmp_path: Path) -> None:
    asyncio.run(write(home, "encrypted"))
    found = told("report")
    assert (found["turns"], found["releases"]) == (4, {"deep@1": 2, "small@1": 2})
    assert found["proof"] is None
    shown = run("report").stdout
    assert "no turn was scored" in shown
    assert run("report", "--svg", str(tmp_path / "p.svg")).exit_code == 2


def test_a_model_of_a_pair_is_trained_and_tuned_with(home: Path, tmp_path: Path) -> None:
    def row(number: int) -> dict[str, object]:
        worked = number % 2 == 0
        prompt = (
            f"Tom buys {number} apples a day for {number + 3} days. How many has he?" if worked else f"{EASY} {number}"
        )
        return {"prompt": prompt, "weak_correct": not worked, "strong_correct": True}

    file, made = lines(tmp_path / "rows.jsonl", [row(number) for number in range(120)]), str(tmp_path / "pair.json")
    trained = told("train", file, "--out", made, "--general", "small", "--reasoning", "deep")
    assert sum(one["rows"] for one in trained["reliability"]["free"]) == 120
    assert "said to be wrong" in run("train", file, "--out", made, "--general", "small", "--reasoning", "deep").stdout
    model = json.loads(Path(made).read_bytes())
    assert model["pair"] == ["small", "deep"]
    assert model["tasks"]["mathematics"]["wrong"] > 0.8 > 0.1 > model["tasks"]["lookup"]["wrong"]
    tuned = told("tune", "--model-file", made, file)
    assert tuned["reached"] is True
    assert 0.4 < tuned["strong_calls"]["value"] <= 0.5 < 0.9 < tuned["accuracy"]
    half = run("train", file, "--out", made, "--general", "small")
    assert half.exit_code == 2
    assert "--reasoning" in half.output


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", '{"prompt": "x", "weak_correct": 1, "strong_correct": NaN}', "from 0 to 1"),
        ("a.jsonl", '{"prompt": "x", "weak_correct": 1, "strong_correct": 1, "weak_cost": NaN}', "a cost is a number"),
        ("a.jsonl", '{"prompt": "x", "weak_correct": 1, "strong_correct": 1, "weak_cost": -1}', "a cost is a number"),
        ("a.csv", 'prompt,weak_correct,strong_correct\n"x,1,1\n', "a quotation mark is not closed"),
        ("a.jsonl", '{"prompt": "x\u2028y", "weak_correct": 1, "strong_correct": 1}\r\n', ""),
        ("a.csv", "prompt,weak_correct,strong_correct\n" + "x" * 200_000 + ",1,1\n", ""),
    ],
)
def test_labels_of_every_kind(home: Path, tmp_path: Path, name: str, text: str, said: str) -> None:
    file = tmp_path / name
    file.write_text(text, "utf-8", newline="")
    found = run("report", "--labels", str(file))
    assert found.exit_code == (2 if said else 0), found.output
    assert said in found.stderr


def test_labels_may_be_a_spreadsheet(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "judged.csv"
    file.write_text(f"\ufeffprompt,weak_correct,strong_correct,strong_cost\n{HARD},0,1,9\n{EASY},1,1,9\n")
    assert told("report", "--labels", str(file))["proof"]["cases"] == 2
    for text, said in (("prompt,weak_correct\nx,y\n", "no number"), ("prompt,weak_correct\nx,1\n", "strong_correct")):
        file.write_text(text)
        refused = run("report", "--labels", str(file))
        assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr
    file.write_bytes(b"\xff\xfe\xff")
    assert "not UTF-8" in run("report", "--labels", str(file)).stderr


def test_a_short_spreadsheet_does_not_shorten_the_cells_of_other_readers(home: Path, tmp_path: Path) -> None:
    before = csv.field_size_limit()
    file = tmp_path / "judged.csv"
    file.write_text("prompt,weak_correct,strong_correct\nx,1,1\n")
    assert run("report", "--labels", str(file)).exit_code == 0
    assert csv.field_size_limit() == before


def test_an_assistant_is_not_tuned_by_a_file(home: Path, tmp_path: Path) -> None:
    refused = run("tune", "--assistant", "helpdesk", str(tmp_path / "x.jsonl"))
    assert (refused.exit_code, "not both" in refused.stderr) == (2, True)


def test_without_samples_there_is_nothing_to_tune_on(home: Path) -> None:
    asyncio.run(write(home, "encrypted"))
    refused = run("tune")
    assert (refused.exit_code, "router.samples.share" in refused.stderr) == (2, True)
    assert json.loads(run("samples", "--json").stdout) == []
    assert "no sample" in run("judge", "f" * 32, "--general", "1", "--reasoning", "1").stderr.lower()
    assert run("judge", "f" * 32, "--general", "2", "--reasoning", "1").exit_code == 1


def test_a_report_on_few_cases_claims_nothing(home: Path, tmp_path: Path) -> None:
    rows = [{"prompt": HARD, "weak_correct": 0, "strong_correct": 1}] * 3
    file = lines(tmp_path / "judged.jsonl", rows)
    assert told("report", "--labels", file)["claim"]["made"] is False
    assert "No saving is claimed: 3 cases" in " ".join(run("report", "--labels", file).stdout.split())


LINE = {"prompt": "What is 2 + 2?", "weak_correct": True, "strong_correct": True}


@pytest.mark.parametrize("command", ["tune", "train", "report"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"hello\n", ("it is not JSON in UTF-8", "不是 UTF-8 编码的 JSON")),
        (b"\xff\xfe\x00", ("UTF-8", "UTF-8")),
        (b'{"prompt": "SECRET", "weak_correct": true}\n', ("`strong_correct` is required", "缺少必填字段")),
        (
            json.dumps(LINE | {"prompt": 3}).encode(),
            ("`prompt` is not usable: give a text, not a whole number", "文本"),
        ),
        (json.dumps(LINE | {"weak_correct": "SECRET"}).encode(), ("`weak_correct` is not usable: give ", "请填写")),
        (b"[1]\n", ("give an object, not a list", "请填写对象，而不是列表")),
        (b'{"prompt": "a", "x": ' + b"[" * 50_000 + b"\n", ("it is nested too deep", "嵌套过深")),
        (b"", ("", "")),
    ],
)
def test_a_bad_file_is_refused_by_line_field_and_remedy(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, text: bytes, said: tuple[str, str]
) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(text)
    given = ("--labels", str(file)) if command == "report" else (str(file),)
    more = ("--out", str(tmp_path / "o.json")) if command == "train" else ()
    for lang, words in zip(("en", "zh"), said, strict=True):
        monkeypatch.setenv("ZHONGSHU_LANG", lang)
        done = run(command, *given, *more)
        shown = "".join(done.output.split())
        assert done.exit_code in (1, 2), done.output
        assert "".join(words.split()) in shown
        assert "SECRET" not in shown
        assert "`str`" not in shown
        if lang == "zh":
            assert any("\u4e00" <= char <= "\u9fff" for char in shown)
    assert not (tmp_path / "o.json").exists()


def test_nought_and_one_are_no_and_yes(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_text("".join(json.dumps(LINE | {"weak_correct": n % 2}) + "\n" for n in range(60)))
    assert run("tune", str(file)).exit_code == 0


def test_half_a_surrogate_pair_goes_out_as_it_came(home: Path, tmp_path: Path) -> None:
    line = '{"prompt": "你好 \\ud83d\\ude00", "weak_response": "\\ud800 b"}\n'
    (tmp_path / "odd.jsonl").write_text(line)
    for command in ("score", "check"):
        done = run(command, str(tmp_path / "odd.jsonl"))
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout).items() >= json.loads(line).items()


@pytest.mark.parametrize(
    ("count", "weak", "strong", "said"),
    [(60, True, True, "nothing to learn"), (60, False, True, "nothing to learn"), (20, True, True, "at least 50")],
)
def test_rows_that_teach_nothing_are_refused_with_the_reason(
    home: Path, tmp_path: Path, count: int, weak: bool, strong: bool, said: str
) -> None:
    rows = [
        {"prompt": f"How many are {n} and {n}?", "weak_correct": weak, "strong_correct": strong} for n in range(count)
    ]
    refused = run("train", lines(tmp_path / "rows.jsonl", rows), "--out", str(tmp_path / "m.json"))
    assert (refused.exit_code, said in refused.output) == (1, True), refused.output
