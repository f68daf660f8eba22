"""Settings: where they come from, what is refused, and that every complaint can be acted upon."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from zhongshu.app.allowed import allowed, allowed_zh
from zhongshu.app.changes import diff
from zhongshu.app.complaints import SettingsError
from zhongshu.app.effective import as_toml, plain
from zhongshu.app.example import example_text, rows
from zhongshu.app.loading import find, load
from zhongshu.app.overlay import leaves, read
from zhongshu.app.settings import Settings
from zhongshu.router.difficulty.linear import dump
from zhongshu.router.difficulty.linear import load as shipped

HOME = {"HOME": "/nowhere"}


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "zhongshu.toml"
    file.write_text(text, encoding="utf-8")
    return file


def complaints(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, text), environ=HOME | (environ or {}))
    return [complaint.sentence() for complaint in caught.value.complaints]


# Where settings come from -------------------------------------------------------------------------------------


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(environ=HOME)
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 7070)
    assert settings.home == Path("/nowhere/.local/share/zhongshu")
    assert [(row.name, row.tier) for row in settings.models] == [
        ("qwen2.5-coder-0.5b", "general"),
        ("qwen2.5-coder-1.5b", "reasoning"),
        ("multilingual-e5-small", "none"),
    ]


def test_tiny_profile() -> None:
    assert [row.name for row in load(environ=HOME | {"ZHONGSHU_PROFILE": "tiny"}).models] == ["smollm2-135m"]


def test_file_then_environment_then_options(tmp_path: Path) -> None:
    file = write(tmp_path, "[server]\nport = 1001\nworkers = 2\nbacklog = 3\n")
    environ = HOME | {"ZHONGSHU_SERVER__WORKERS": "4", "ZHONGSHU_SERVER__BACKLOG": "5"}
    server = load(file, environ=environ, options={"server.backlog": 6, "server.host": None}).server
    assert (server.port, server.workers, server.backlog, server.host) == (1001, 4, 6, "127.0.0.1")


def test_which_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home, named = tmp_path / "home", tmp_path / "named.toml"
    home.mkdir()
    environ = HOME | {"ZHONGSHU_HOME": str(home)}
    assert find(environ=environ) is None
    (home / "zhongshu.toml").touch()
    assert find(environ=environ) == home / "zhongshu.toml"
    (tmp_path / "zhongshu.toml").touch()
    assert find(environ=environ) == tmp_path / "zhongshu.toml"
    assert find(environ=environ | {"ZHONGSHU_CONFIG": str(named)}) == named
    assert find(Path("other.toml"), environ) == tmp_path / "other.toml"


def test_relative_paths_start_from_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, 'home = "state"\n[model_sources]\nlocal_dirs = ["models", "/abs"]\n')
    settings = load(file, environ=HOME)
    assert settings.home == tmp_path / "state"
    assert settings.model_sources.local_dirs == (str(tmp_path / "models"), "/abs")


def test_a_row_of_the_users_replaces_a_built_in_model(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        'profile = "tiny"\n[[models]]\nname = "smollm2-135m"\nupstream = "vllm"\n[[upstreams]]\nname = "vllm"\n',
    )
    assert [(row.name, row.upstream) for row in load(file, environ=HOME).models] == [("smollm2-135m", "vllm")]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, "7", 7),
        (str, "7", "7"),
        (str, '"quoted"', "quoted"),
        (float, "1", 1),
        (bool, "true", True),
        (tuple[str, ...], "a, b", ["a", "b"]),
        (tuple[str, ...], '["a,b"]', ["a,b"]),
        (int | None, "5", 5),
        (Path, "/x", "/x"),
    ],
)
def test_reading_a_variable(kind: Any, text: str, value: object) -> None:
    assert read(kind, text) == value


# What is refused ----------------------------------------------------------------------------------------------

OLLAMA = "[[upstreams]]\nname = 'ollama'\n"
REFUSED = [
    ("[server]\n\nport = 99999", "zhongshu.toml line 3: server.port = 99999: ", "at most 65535"),
    ('[server]\nport = "7070"', 'line 2: server.port = "7070"', "a whole number"),
    ("[server]\nprot = 1", "line 2: server.prot: there is no such setting", "did you mean `port`?"),
    ("[server]\nzzz = 1", "line 2: server.zzz", "here may stand: backlog, "),
    ("[sever]\nport = 1", "line 1: sever", "did you mean `server`?"),
    ("server = 3", "line 1: server = 3", "a table"),
    ('profile = "huge"', 'line 1: profile = "huge"', 'one of "default", "none", "tiny"'),
    ('[server]\nlog_level = "loud"', "line 2: server.log_level", '"warning"'),
    ('[server]\nhost = " "', "line 2: server.host", "127.0.0.1"),
    ("[ledger]\nretention_days = 30", "line 2: ledger.retention_days = 30", "183"),
    ('[[models]]\nname = "a"', "line 1: models[0]: `upstream` is missing", "text in quotes"),
    ('[[models]]\nname = "a"\nupstream = "x"\nfamly = 1', "line 4: models[0].famly", "did you mean `family`?"),
    (
        '[[models]]\nname="a"\nupstream="x"\n[models.price]\ninput = -1',
        "line 5: models[0].price.input = -1",
        "from 0, below 1000000",
    ),
    (OLLAMA * 2, 'line 4: upstreams[1].name = "ollama"', "rename or remove one"),
    (
        OLLAMA + "[[models]]\nname='a'\nupstream='ollama'\n" * 2,
        'line 7: models[1].name = "a"',
        "another row is called a@1",
    ),
    (OLLAMA + "[[models]]\nname='a'\nupstream='olama'", 'line 5: models[0].upstream = "olama"', "embedded, ollama"),
    ("[[models]]\nname='a'\nupstream='embedded'", 'line 2: models[0].name = "a"', "smollm2-135m"),
    ("[[upstreams]]\nname='mine'", "line 1: upstreams[0].base_url", "/v1"),
    ("[[upstreams]]\nname='Mine'\nbase_url='http://a/v1'", 'line 2: upstreams[0].name = "Mine"', "lower-case"),
    ("[engine]\nidle_unload_s = nan", "line 2: engine.idle_unload_s", "at least"),
    ("[ledger]\nclock_tolerance_s = nan", "line 2: ledger.clock_tolerance_s", "0 or more"),
    (OLLAMA + "thinking='enable_thinkin'", "line 3: upstreams[0].thinking", '"thinking+effort", or empty'),
    (OLLAMA + "thoughts='tag'", "line 3: upstreams[0].thoughts", 'one of "field", "tags", "tags-open", or empty'),
    ("[server\n", "zhongshu.toml: file: this is not TOML", "line 1"),
    ("[server]\nport = 1\nport = 2\n", "this is not TOML", "line 3"),
]


def test_what_a_setting_takes_is_said_in_one_list() -> None:
    """Of every setting, in both languages."""
    kinds = [row.kind for row in rows()]
    assert len(kinds) > 100
    for said, said_zh in ((allowed(kind), allowed_zh(kind)) for kind in kinds):
        assert said.count("one of") == said_zh.count("以下之一") <= 1
        assert '""' not in said + said_zh
        assert ", " not in said_zh
        assert "： " not in said_zh
        assert "  " not in said


@pytest.mark.parametrize(("text", "what", "remedy"), REFUSED)
def test_a_mistake_is_named_with_line_value_and_remedy(tmp_path: Path, text: str, what: str, remedy: str) -> None:
    (sentence,) = complaints(tmp_path, text)
    assert what in sentence
    assert remedy in sentence


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[[upstreams]]\nname = 'openai'\nkey = 'sk-VERYSECRET'", "line 3: upstreams[0].key"),
        (
            "[[upstreams]]\nname = 'ollama'\n[upstreams.headers]\nX-Api-Key = 'VERYSECRET'",
            "line 4: upstreams[0].headers",
        ),
        ("[[upstreams]]\nname = 'ollama'\nheaders = {X-Token = 'VERYSECRET'}", "line 3: upstreams[0].headers.X-Token"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, text: str, line: str) -> None:
    (sentence,) = complaints(tmp_path, text)
    assert line in sentence
    assert '"env:NAME"' in sentence
    assert "VERYSECRET" not in sentence


@pytest.mark.parametrize("key", ["env:NAME", "file:/run/key", "none", ""])
def test_where_a_secret_is_may_be_said(tmp_path: Path, key: str) -> None:
    settings = load(write(tmp_path, f"[[upstreams]]\nname = 'openai'\nkey = '{key}'"), environ=HOME)
    assert settings.upstreams[0].key == key


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    text = '[server]\nport = 99999\nworkers = "two"\n\n[[models]]\nname = "a"\ntier = "x"\n'
    found = complaints(tmp_path, text, {"ZHONGSHU_SERVER__PROT": "1", "ZHONGSHU_SERVER__BACKLOG": "no"})
    wanted = ("ZHONGSHU_SERVER__PROT", "server.port", "server.workers", "ZHONGSHU_SERVER__BACKLOG", "models[0]")
    assert len(found) == len(wanted)
    assert all(any(word in sentence for sentence in found) for word in wanted)


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ("ZHONGSHU_SERVER__PROT", "did you mean ZHONGSHU_SERVER__PORT?"),
        ("ZHONGSHU_SREVER__PORT", "did you mean ZHONGSHU_SERVER__PORT?"),
        ("ZHONGSHU_QQ__XX", "docs/settings.md"),
    ],
)
def test_a_variable_that_names_nothing(tmp_path: Path, variable: str, remedy: str) -> None:
    (sentence,) = complaints(tmp_path, "", {variable: "1"})
    assert variable in sentence
    assert remedy in sentence


def test_other_variables_of_ours_are_left_alone(tmp_path: Path) -> None:
    load(write(tmp_path, ""), environ=HOME | {"ZHONGSHU_KEY": "x", "ZHONGSHU_LANG": "zh", "ZHONGSHU_FIRST_KEY": "x"})


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "none.toml", environ=HOME)


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "zhongshu.toml"
    file.write_bytes(b"home = '\xff'")
    with pytest.raises(SettingsError, match="UTF-8"):
        load(file, environ=HOME)


def test_complaints_speak_chinese(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, "[server]\nport = -1\nprot = 1"), environ=HOME)
    text = caught.value.text(chinese=True)
    assert "第 2 行：server.port = -1：此处应为整数" in text
    assert "第 3 行：server.prot：没有此设置；是否想写 `port`？" in text


# Afterwards ---------------------------------------------------------------------------------------------------


def test_digest_changes_with_what_matters_only(tmp_path: Path) -> None:
    first = load(write(tmp_path, ""), environ=HOME)
    assert first.digest == load(write(tmp_path, "# a remark\n"), environ={"HOME": "/elsewhere"}).digest
    assert first.digest != load(write(tmp_path, '[label]\ntext = "end"\n'), environ=HOME).digest


def test_settings_written_back_read_the_same(tmp_path: Path) -> None:
    text = 'profile = "none"\n[server]\ncors_origins = ["https://a.example"]\n[[models]]\nname="m"\nupstream="ollama"\n'
    settings = load(write(tmp_path, text + "[models.price]\ninput = 2.5\n" + OLLAMA), environ=HOME)
    assert load(write(tmp_path, as_toml(settings)), environ=HOME) == settings


def test_a_reload_tells_what_waits_for_a_restart(tmp_path: Path) -> None:
    old = load(write(tmp_path, 'profile = "tiny"\n'), environ=HOME)
    text = 'profile = "tiny"\n[server]\nport = 1\n[label]\ntext = "end"\n[[models]]\nname = "m"\nupstream = "ollama"\n'
    changes = diff(old, load(write(tmp_path, text + OLLAMA), environ=HOME))
    assert [(c.key, c.before, c.after) for c in changes.restart] == [("server.port", "7070", "1")]
    live = {change.key: change.after for change in changes.live}
    assert live["label.text"] == '"end"'
    assert live["models.m.upstream"] == '"ollama"'
    assert not any(key.startswith("models.smollm2") for key in live)
    assert diff(old, old) == type(changes)()


def test_passwords_in_addresses_are_masked(tmp_path: Path) -> None:
    text = '[model_sources]\nindex_urls = ["https://me:hushhush@host/simple"]\n'
    shown = msgspec.json.encode(plain(load(write(tmp_path, text), environ=HOME))).decode()
    assert "hushhush" not in shown
    assert "https://***@host/simple" in shown


# The example --------------------------------------------------------------------------------------------------


def uncommented(text: str) -> str:
    return re.sub(r"^#(?=[\w\[])", "", text, flags=re.MULTILINE)


def test_the_example_as_it_is_changes_nothing(tmp_path: Path) -> None:
    assert load(write(tmp_path, example_text()), environ=HOME) == load(write(tmp_path, ""), environ=HOME)


def test_the_example_uncommented_holds_every_setting_at_its_default(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text("")
    (tmp_path / "difficulty.json").write_bytes(dump(shipped()))
    settings = load(write(tmp_path, uncommented(example_text())), environ=HOME)
    defaults = plain(load(write(tmp_path, ""), environ=HOME))
    shown = plain(settings)
    compared = 0
    for place in leaves(Settings):
        want, got = defaults, shown
        for part in place:
            want, got = want[part], got[part]
        if want is not None and place != ("home",):
            assert got == want, place
            compared += 1
    assert compared > 40


def test_every_setting_has_a_line_in_the_example() -> None:
    text = example_text()
    for row in rows():
        assert f"\n#{row.name} = " in text, row.place
