"""`zhongshu keys` and `zhongshu tenants`, typed as a user types them, on a state directory of their own."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from zhongshu.cli import keys, tenants

app = typer.Typer()
app.add_typer(keys.app, name="keys")
app.add_typer(tenants.app, name="tenants")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHONGSHU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZHONGSHU_LANG", "en")
    monkeypatch.delenv("ZHONGSHU_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def zhongshu(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def as_json(*words: str) -> Any:
    return json.loads(zhongshu(*words, "--json").stdout)


def sentence(result: Result) -> str:
    return " ".join(result.stderr.split())


def test_a_key_from_its_making_to_its_end():
    made = zhongshu("keys", "create", "ci")
    secret = made.stdout.strip()
    assert secret.startswith("zs_")
    assert "shown once" in made.stderr
    assert secret not in made.stderr

    (listed,) = as_json("keys", "list")
    assert (listed["name"], listed["tenant"], listed["role"], listed["state"]) == ("ci", "default", "user", "active")
    assert secret not in json.dumps(listed)
    assert listed["id"] in zhongshu("keys", "list").stdout

    shown = as_json("keys", "show", listed["id"])
    assert shown["spending"] is None
    assert "revoked" in zhongshu("keys", "revoke", listed["id"]).stdout
    assert as_json("keys", "show", listed["id"])["state"] == "revoked"
    assert "revoked" in zhongshu("keys", "show", listed["id"]).stdout


def test_a_key_with_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "rates.toml").write_text('[[rates]]\ncurrency = "USD"\nworth = 7.1\n')
    monkeypatch.setenv("ZHONGSHU_CONFIG", str(tmp_path / "rates.toml"))
    zhongshu("tenants", "create", "acme", "--title", "Acme Ltd", "--budget", "500")
    made = as_json(
        *("keys", "create", "web", "--tenant", "acme", "--role", "admin", "--models", "auto, qwen2.5-coder-0.5b"),
        *("--expires", "30d", "--requests-per-minute", "60", "--tokens-per-minute", "100000", "--concurrency", "4"),
        *("--budget", "12.50", "--period", "day", "--currency", "USD"),
    )
    assert made["secret"].startswith("zs_")
    assert made["models"] == ["auto", "qwen2.5-coder-0.5b"]
    assert made["expires"] > made["created"]
    assert made["limits"] == {
        "requests_per_minute": 60,
        "tokens_per_minute": 100000,
        "concurrency": 4,
        "budget": "12.50",
        "budget_period": "day",
        "currency": "USD",
        "priority": None,
    }
    shown = as_json("keys", "show", made["id"])
    assert shown["spending"]["spent"] == "0.00"
    assert shown["spending"]["budget"] == "12.50"

    changed = as_json("keys", "set-limits", made["id"], "--concurrency", "none", "--budget", "0.5")
    assert changed["limits"]["concurrency"] is None
    assert changed["limits"]["budget"] == "0.50"
    assert changed["limits"]["requests_per_minute"] == 60
    tenant = as_json("tenants", "show", "acme")
    assert tenant["keys"] == [made["id"]]
    assert [key["id"] for key in as_json("keys", "list", "--tenant", "acme")] == [made["id"]]


def test_a_tenant_from_its_making_on():
    assert "acme" in zhongshu("tenants", "create", "acme").stdout
    assert as_json("tenants", "set-limits", "acme", "--requests-per-minute", "600")["limits"] == {
        "requests_per_minute": 600,
        "tokens_per_minute": None,
        "concurrency": None,
        "budget": None,
        "budget_period": "month",
        "currency": "CNY",
        "priority": None,
    }
    assert as_json("tenants", "set-limits", "acme", "--priority", "low")["limits"]["priority"] == "low"
    assert "priority low" in zhongshu("tenants", "show", "acme").stdout
    assert as_json("tenants", "set-limits", "acme", "--concurrency", "none")["limits"]["priority"] == "low"
    assert as_json("tenants", "set-limits", "acme", "--priority", "none")["limits"]["priority"] is None
    budget = as_json("tenants", "set-budget", "acme", "500", "--period", "total")
    assert budget["spending"] == {
        "budget": "500.00",
        "spent": "0.00",
        "currency": "CNY",
        "period": "total",
        "ends": None,
    }
    assert "600 requests/min" in zhongshu("tenants", "show", "acme").stdout
    assert as_json("tenants", "set-budget", "acme", "none")["limits"]["budget"] is None
    assert [tenant["id"] for tenant in as_json("tenants", "list")] == ["acme"]
    assert "acme" in zhongshu("tenants", "list").stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("keys create x --tenant nobody", 1, "no tenant `nobody`"),
        ("keys create x --models qwen2.5-coder-0.5", 2, "no such model here. Known: qwen2.5-coder-0.5b"),
        ("keys create x --models ,", 2, "name at least one model"),
        ("keys create x --concurrency=-1", 2, "--concurrency -1: give a whole number"),
        ("keys create x --budget=-3", 2, "--budget -3: give an amount such as 12.50"),
        ("keys create x --period week", 2, "use day, month or total"),
        ("keys create x --currency EUR", 2, "use CNY or USD"),
        ("keys create x --role root", 1, "Field `role` is not usable"),
        ("keys create x --expires tomorrow", 2, "--expires tomorrow: give a span such as 90m"),
        ("keys create x --expires 2020-01-01", 1, "that time has already passed"),
        ("keys show k_nobody", 1, "no key `k_nobody`"),
        ("keys revoke k_nobody", 1, "no key `k_nobody`"),
        ("keys set-limits k_nobody --concurrency 1", 1, "no key `k_nobody`"),
        ("keys set-limits k_nobody", 2, "Name at least one limit"),
        ("keys create x --priority urgent", 2, "use low, normal, high or none"),
        ("keys list --tenant nobody", 1, "no tenant `nobody`"),
        ("tenants create ../etc", 1, "Field `tenant` is not usable"),
        ("tenants show nobody", 1, "no tenant `nobody`"),
        ("tenants set-budget nobody 5", 1, "no tenant `nobody`"),
        ("tenants set-limits nobody", 2, "Name at least one limit"),
        ("keys list --config /nowhere.toml", 2, "nowhere.toml"),
    ],
)
def test_what_cannot_be_done_says_why(words: str, code: int, says: str):
    result = zhongshu(*words.split(), code=code)
    assert says in sentence(result)
    assert result.stdout == ""


def test_models_that_an_upstream_names_directly_are_known(tmp_path: Path):
    (tmp_path / "zhongshu.toml").write_text(
        '[[upstreams]]\nname = "far"\nbase_url = "http://127.0.0.1:1/v1"\nmodels = ["far-model"]\n'
    )
    made = as_json("keys", "create", "x", "--models", "far-model,far-model@1")
    assert made["models"][0] == "far-model"


def test_the_same_tenant_twice():
    zhongshu("tenants", "create", "acme")
    assert "already there" in sentence(zhongshu("tenants", "create", "acme", code=1))


def test_the_key_itself_is_not_its_id_and_is_not_repeated():
    secret = zhongshu("keys", "create", "ci").stdout.strip()
    result = zhongshu("keys", "revoke", secret, code=2)
    assert "Give the id" in sentence(result)
    assert secret not in result.output


def test_a_state_directory_with_loose_secrets_says_the_remedy(tmp_path: Path):
    zhongshu("keys", "create", "ci")
    (tmp_path / "home" / "secrets" / "keys.secret").chmod(0o644)
    result = zhongshu("keys", "list", code=1)
    assert "chmod 600" in sentence(result)


def test_a_state_directory_that_is_a_file_says_so(tmp_path: Path):
    (tmp_path / "home").write_text("not a folder")
    assert "cannot be used" in sentence(zhongshu("keys", "list", code=1))


def test_in_chinese(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ZHONGSHU_LANG", "zh")
    assert "只显示一次" in zhongshu("keys", "create", "网站").stderr
    assert "有效" in zhongshu("keys", "list").stdout
    assert "没有名为 `nobody` 的租户" in sentence(zhongshu("tenants", "show", "nobody", code=1))


COMMANDS = {
    "keys": ("create", "list", "show", "revoke", "set-limits"),
    "tenants": ("create", "list", "show", "set-limits", "set-budget"),
}


@pytest.mark.parametrize("command", [f"{group} {name}" for group, names in COMMANDS.items() for name in names])
def test_every_command_has_help_with_examples(command: str):
    shown = zhongshu(*command.split(), "--help").stdout
    assert "Examples:" in shown or "示例：" in shown
    assert f"zhongshu {command}" in shown
    assert "--json" in shown


def test_a_key_s_dial():
    made = as_json("keys", "create", "frugal", "--quality", "0.2", "--max-seconds", "20")
    assert (made["quality"], made["max_cost"], made["max_seconds"]) == (0.2, None, 20.0)
    changed = as_json("keys", "set-dial", made["id"], "--quality", "none", "--max-cost", "0.05")
    assert (changed["quality"], changed["max_cost"], changed["max_seconds"]) == (None, 0.05, 20.0)
    (change,) = as_json("keys", "show", made["id"])["changes"]
    assert (change["by"], change["before"]["quality"], change["after"]["max_cost"]) == ("command line", 0.2, 0.05)
    assert "max_cost 0.05" in zhongshu("keys", "show", made["id"]).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--quality", "1.5"), "from 0 (cheapest) to 1 (best)"),
        (("--quality", "high"), "--quality high"),
        (("--max-cost", "-1"), "not negative"),
        (("--max-cost", "nan"), "not negative"),
        (("--max-seconds", "0"), "above 0"),
        ((), "Name --quality"),
    ],
)
def test_a_dial_that_will_not_do(words, said):
    key = as_json("keys", "create", "x")["id"]
    assert said in sentence(zhongshu("keys", "set-dial", key, *words, code=2))
