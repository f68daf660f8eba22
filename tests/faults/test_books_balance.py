"""Budgets, records and statements agree to the billionth and the token after 10,000 mixed turns in two processes.

Tests are named after what users of other gateways suffer from.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from zhongshu.access.admin import AccessAdmin
from zhongshu.access.build import open_admin
from zhongshu.access.keys import Budget
from zhongshu.core.access import Limits
from zhongshu.core.answers import Event, Fold, TextDelta, Usage, UsageDelta
from zhongshu.core.prices import Price
from zhongshu.ledger.index import Index
from zhongshu.ledger.rows import Filter, TurnRow
from zhongshu.ledger.statements import statement

TURNS = 10_000
BUDGET = 9_000_000_000  # more than 10,000 turns cost for the tenant
USERS = 1_200_000_000  # a user's turns come to 1.9 to 2.1: it runs out, however the processes take turns


def run(home: Path, turns: int, keys: list[str]) -> None:
    script = Path(__file__).parent / "books.py"
    commands = [[sys.executable, str(script), str(home), f"worker-{n}", str(turns // 2), *keys] for n in range(2)]
    processes = [subprocess.Popen(command) for command in commands]
    assert [process.wait(280) for process in processes] == [0, 0]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("books") / "home"
    home.mkdir(mode=0o700)
    with open_admin(home) as admin:
        admin.create_tenant("acme", limits=Limits(budget_nano=BUDGET, budget_period="total"))
        keys = [admin.create_key("acme", f"k{n}", limits=Limits(budget_nano=BUDGET)) for n in range(3)]
        admin.budgets.set(Budget(tenant="acme", scope="user", whose="*", budget_nano=USERS, period="total"))
        admin.budgets.set(Budget(tenant="*", scope="model", whose="m", budget_nano=BUDGET, period="total"))
    run(home, TURNS, [key.secret for key in keys])
    return home


def spent(admin: AccessAdmin) -> dict[str, int]:
    found = {
        "tenant": admin.tenant_spending("acme"),
        **{key.id: admin.key_spending(key.id) for key in admin.keys("acme")},
    }
    purses = {held.whose: held.spent_nano for held in admin.budgets.held() if held.scope in ("user", "model")}
    return {name: state.spent_nano for name, state in found.items() if state} | purses


def test_new_api_5698_and_litellm_34732_every_budget_is_the_sum_of_its_records(home: Path) -> None:
    rows = list(Index(home).each(Filter()))
    assert len(rows) == TURNS
    assert {row.outcome for row in rows} == {"answered", "refused", "failed", "left", "cut"}

    def cost(keep: list[TurnRow]) -> int:
        return sum(row.cost_nano for row in keep)

    expected = {"tenant": cost(rows), "m": cost([row for row in rows if row.asked == "m"])}
    for key in {row.key_id for row in rows}:
        expected[key] = cost([row for row in rows if row.key_id == key])
    for user in ("alice", "bob"):
        expected[user] = cost([row for row in rows if row.user_name == user])
    with open_admin(home) as admin:
        assert spent(admin) == expected
        assert admin.orphans() == []
    assert expected["alice"] <= USERS, "a hard stop is never passed: what a turn comes to was reserved"


def test_litellm_37923_the_bill_is_what_was_used(home: Path) -> None:
    rows = list(Index(home).each(Filter()))
    months = {f"{datetime.fromtimestamp(row.at_ns / 1e9, UTC):%Y-%m}" for row in rows}  # two, at the turn of a month
    for by in ("key", "user", "model", "day"):
        made = [statement(Index(home), "acme", month, by) for month in months]
        lines = [line for one in made for line in one.lines]
        assert sum(line.cost_nano for line in lines) == sum(row.cost_nano for row in rows)
        assert sum(line.completion_tokens for line in lines) == sum(row.completion_tokens for row in rows)
        assert sum(line.cents for line in lines) == sum(total.cents for one in made for total in one.totals)
        assert sum(line.turns for line in lines) == TURNS


@pytest.mark.parametrize("where", [0, 1, 2])
def test_litellm_36168_usage_counts_from_whatever_piece_it_comes_in(where: int) -> None:
    fold = Fold()
    events = [Event((TextDelta(0, "a"),)), Event((TextDelta(0, "b"),))]
    events.insert(where, Event((UsageDelta(Usage(100, 10, cached=90, thinking=5)),)))
    for event in events:
        fold.add(event)
    assert fold.usage == Usage(100, 10, cached=90, thinking=5)


def test_litellm_42663_cached_and_thinking_tokens_have_prices_of_their_own() -> None:
    price = Price(input=2, cached_input=0.2, output=8, thinking=4, cache_write=2.5)
    assert price.cost_nano(Usage(100, 10, cached=90, thinking=5)) == 10 * 2000 + 90 * 200 + 5 * 8000 + 5 * 4000
    assert price.cost_nano(Usage(100, 0, cached=10, written=50)) == 40 * 2000 + 10 * 200 + 50 * 2500
