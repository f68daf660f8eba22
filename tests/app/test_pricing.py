"""Price tables and rates in the settings: what holds when, and what is refused by its line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from zhongshu.app.complaints import SettingsError
from zhongshu.app.loading import load
from zhongshu.app.pricing import exchange
from zhongshu.catalog.prices import tariffs
from zhongshu.core.answers import Usage

HOME = {"HOME": "/nowhere"}
MODEL = 'profile = "none"\n[[upstreams]]\nname = "ollama"\n[[models]]\nname = "m"\nupstream = "ollama"\n'


def write(folder: Path, text: str) -> Path:
    file = folder / "zhongshu.toml"
    file.write_text(text, encoding="utf-8")
    return file


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


TABLE = """
[[prices]]
model = "m"
input = 2.0
[[prices]]
model = "m"
hours = "00:30-08:30"
zone = "+08:00"
input = 1.0
[[prices]]
model = "m"
since = "2026-01-01"
input = 3.0
[[prices]]
model = "m"
since = "2026-01-01"
over = 1000
input = 6.0
"""


@pytest.mark.parametrize(
    ("when", "prompt", "nano"),
    [
        ("2025-06-01T12:00", 1, 2000),
        ("2025-06-01T16:29", 1, 2000),
        ("2025-06-01T16:30", 1, 1000),  # 00:30 in Beijing: off-peak begins
        ("2025-06-02T00:29", 1, 1000),
        ("2025-06-02T00:30", 1, 2000),
        ("2026-01-01T00:00", 1, 3000),
        ("2026-06-01T17:00", 1000, 3_000_000),
        ("2026-06-01T17:00", 1001, 6_006_000),
    ],
)
def test_the_price_goes_by_day_hour_and_length(tmp_path: Path, when: str, prompt: int, nano: int) -> None:
    settings = load(write(tmp_path, MODEL + TABLE), environ=HOME)
    tariff = tariffs(settings.prices)["m"]
    assert tariff.cost_nano(Usage(prompt), at(when)) == nano
    assert tariff.most_nano(prompt, 0, at(when)) >= nano


def test_a_price_file_adds_rows_and_may_know_more_models(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text('[[prices]]\nmodel = "elsewhere"\ninput = 1.5\n', encoding="utf-8")
    settings = load(write(tmp_path, MODEL + TABLE + '[money]\nprices_file = "prices.toml"\n'), environ=HOME)
    assert [row.model for row in settings.prices] == ["m"] * 4 + ["elsewhere"]
    (tmp_path / "prices.toml").write_text('[[prices]]\nmodel = "x"\ninputt = 1\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"prices.toml line 3: prices\[0\].inputt"):
        load(write(tmp_path, MODEL + '[money]\nprices_file = "prices.toml"\n'), environ=HOME)


def test_a_model_of_the_profile_may_have_a_price(tmp_path: Path) -> None:
    price = '[[prices]]\nmodel = "smollm2-135m"\noutput = 0.5\n'
    settings = load(write(tmp_path, f'profile = "tiny"\n{price}'), environ=HOME)
    assert [row.model for row in settings.prices] == ["smollm2-135m"]
    with pytest.raises(SettingsError, match="there is no such model"):
        load(write(tmp_path, f'profile = "none"\n{price}'), environ=HOME)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[prices]]\nmodel = "n"\ninput = 1.0\n', "there is no such model"),
        ('[[prices]]\nmodel = "m"\nhours = "8-9"\n', "16:30-00:30"),
        ('[[prices]]\nmodel = "m"\nover = 5\n', "add a row without hours and over"),
        ('[[prices]]\nmodel = "m"\nzone = "Mars/One"\n', "Asia/Shanghai"),
        ('[[prices]]\nmodel = "m"\ninput = -1.0\n', "from 0"),
        ('[[prices]]\nmodel = "m"\n[[prices]]\nmodel = "m"\n', "same conditions"),
        ('[money]\ncurrency = "CNY"\n[[prices]]\nmodel = "m"\ncurrency = "USD"\ninput = 1.0\n', "[[rates]]"),
        ('[money]\nalert_url = "https://a.example"\n', "alert_secret"),
        ('[money]\nalert_secret = "abc"\n', "env:NAME"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, MODEL + text), environ=HOME)
    assert words in str(caught.value)


def test_one_currency_needs_no_rate_and_two_do(tmp_path: Path) -> None:
    dollars = '[[prices]]\nmodel = "m"\ncurrency = "USD"\ninput = 1.0\n'
    assert exchange(load(write(tmp_path, MODEL + dollars), environ=HOME)).home == "USD"
    rate = '[money]\ncurrency = "CNY"\n[[rates]]\ncurrency = "USD"\nworth = 7.1\n'
    rates = exchange(load(write(tmp_path, MODEL + dollars + rate), environ=HOME))
    assert (rates.home, rates.to_home(10, "USD", 0)) == ("CNY", 71)
