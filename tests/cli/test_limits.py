"""Limits on the command line: money is exact, and what is wrong with an option is named."""

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.cli.limits import Typed, amount, cell, changed, money, plain
from zhongshu.core.access import Limits


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("12.50", 12_500_000_000),
        ("0", 0),
        ("0.1", 100_000_000),
        ("0.000000001", 1),
        ("4000000000", 4_000_000_000 * 10**9),
        ("none", None),
    ],
)
def test_money_is_typed_in_units(text: str, nano: int | None):
    assert money("--budget", text) == nano


@pytest.mark.parametrize("text", ["-3", "1e3", "1,000", "12.", ".5", "", "0.0000000001", "９", "5000000000", "NaN"])
def test_what_is_no_amount_is_refused(text: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(typer.Exit):
        money("--budget", text)
    assert "--budget" in capsys.readouterr().err


@given(st.integers(0, (1 << 62) - 1))
def test_money_survives_being_shown(nano: int):
    assert money("--budget", amount(nano)) == nano


def test_only_what_was_named_changes():
    before = Limits(requests_per_minute=1, tokens_per_minute=2, budget_nano=3, budget_period="day", currency="USD")
    after = changed(before, Typed(requests="none", concurrency="7"))
    assert after == Limits(
        requests_per_minute=None,
        tokens_per_minute=2,
        concurrency=7,
        budget_nano=3,
        budget_period="day",
        currency="USD",
    )


@pytest.mark.parametrize(
    "option",
    [
        {"requests": "-1"},
        {"tokens": "many"},
        {"concurrency": "1.5"},
        {"concurrency": "9" * 19},
        {"period": "week"},
        {"currency": "EUR"},
    ],
)
def test_a_bad_option_is_named(option: dict[str, str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(typer.Exit):
        changed(Limits(), Typed(**option))
    shown = capsys.readouterr().err
    assert next(iter(option)) in shown.replace("requests-per-minute", "requests").replace("tokens-per", "tokens")


def test_how_limits_are_shown():
    limits = Limits(requests_per_minute=60, budget_nano=12_500_000_000, budget_period="day")
    assert cell(limits) in ("60 requests/min, 12.50 CNY/day", "60 次/分钟, 12.50 CNY/天")
    assert plain(limits)["budget"] == "12.50"
    assert plain(Limits())["budget"] is None
