"""Tenants and keys are made, changed and revoked; what is wrong with a wish is said by name."""

import sqlite3
from pathlib import Path

import pytest

from zhongshu.access.admin import Spend
from zhongshu.access.build import Access, open_admin
from zhongshu.access.settings import AccessSettings
from zhongshu.core.access import Limits
from zhongshu.core.clock import FakeClock
from zhongshu.core.money import Exchange, Rate
from zhongshu.core.problems import Fault

DAY_NS = 86_400 * 10**9


def test_a_key_is_shown_once_and_never_stored(access: Access, tmp_path: Path):
    new = access.admin.create_key("default", "ci")
    assert new.secret.startswith("zs_")
    assert access.admin.keys() == (new.key,)
    assert access.admin.key(new.key.id) == new.key
    for file in (tmp_path / "home").rglob("*"):
        if file.is_file():
            assert new.secret.encode() not in file.read_bytes()
            assert new.secret[15:].encode() not in file.read_bytes()


def test_what_is_kept_comes_back_the_same(access: Access, clock: FakeClock):
    limits = Limits(requests_per_minute=1, tokens_per_minute=2, concurrency=3, budget_nano=4, budget_period="day")
    tenant = access.admin.create_tenant("acme", title="某某公司", limits=limits)
    new = access.admin.create_key(
        "acme", "网站", role="admin", models=("a", "b", "a"), limits=limits, expires_ns=clock.now_ns() + 1
    )
    assert access.admin.tenants() == (tenant,)
    assert access.admin.tenant("acme") == tenant
    assert access.admin.key(new.key.id) == new.key
    assert new.key.models == ("a", "b")
    assert access.admin.keys("acme") == (new.key,)


def test_changes_are_kept(access: Access, clock: FakeClock):
    admin = access.admin
    admin.create_tenant("acme")
    key = admin.create_key("acme", "ci", models=("a",)).key
    assert admin.update_tenant("acme", limits=Limits(concurrency=3)).limits.concurrency == 3
    assert admin.update_tenant("acme", title="Acme").limits.concurrency == 3
    assert admin.tenant("acme").title == "Acme"
    assert admin.update_key(key.id, limits=Limits(budget_nano=7)).models == ("a",)
    assert admin.update_key(key.id, models=()).limits.budget_nano == 7
    revoked = admin.revoke_key(key.id)
    assert revoked.state(clock.now_ns()) == "revoked"
    clock.advance(5)
    assert admin.revoke_key(key.id) == revoked == admin.key(key.id)


@pytest.mark.parametrize(
    ("call", "code", "param"),
    [
        (lambda a, _: a.create_tenant("no spaces"), "invalid_value", "tenant"),
        (lambda a, _: a.create_tenant(""), "invalid_value", "tenant"),
        (lambda a, _: a.create_tenant("../etc"), "invalid_value", "tenant"),
        (lambda a, _: a.create_tenant("x" * 65), "invalid_value", "tenant"),
        (lambda a, _: a.create_tenant("acme"), "conflict", None),
        (lambda a, _: a.create_tenant("b", title="two\nlines"), "invalid_value", "title"),
        (lambda a, _: a.create_tenant("b", limits=Limits(concurrency=-1)), "invalid_value", "concurrency"),
        (lambda a, _: a.create_tenant("b", limits=Limits(budget_nano=1 << 62)), "invalid_value", "budget_nano"),
        (lambda a, _: a.create_tenant("b", limits=Limits(budget_period="week")), "invalid_value", "budget_period"),
        (lambda a, _: a.create_tenant("b", limits=Limits(currency="XXX")), "invalid_value", "currency"),
        (lambda a, _: a.tenant("nobody"), "tenant_not_found", None),
        (lambda a, _: a.update_tenant("nobody", title="x"), "tenant_not_found", None),
        (lambda a, _: a.update_tenant("acme", limits=Limits(concurrency=-1)), "invalid_value", "concurrency"),
        (lambda a, _: a.keys("nobody"), "tenant_not_found", None),
        (lambda a, _: a.create_key("nobody", "x"), "tenant_not_found", None),
        (lambda a, _: a.create_key("acme", "x", role="root"), "invalid_value", "role"),
        (lambda a, _: a.create_key("acme", "x" * 201), "invalid_value", "name"),
        (lambda a, _: a.create_key("acme", "x", models=("a b",)), "invalid_value", "models"),
        (lambda a, _: a.create_key("acme", "x", expires_ns=1), "invalid_value", "expires"),
        (
            lambda a, _: a.create_key("acme", "x", limits=Limits(requests_per_minute=-1)),
            "invalid_value",
            "requests_per_minute",
        ),
        (lambda a, _: a.key("k_nobody"), "key_not_found", None),
        (lambda a, _: a.revoke_key("k_nobody"), "key_not_found", None),
        (lambda a, _: a.update_key("k_nobody", models=()), "key_not_found", None),
        (lambda a, k: a.update_key(k, limits=Limits(tokens_per_minute=-1)), "invalid_value", "tokens_per_minute"),
    ],
)
def test_a_wish_that_cannot_be_met_says_what_is_wrong(access: Access, call, code: str, param: str | None):
    access.admin.create_tenant("acme")
    key = access.admin.create_key("acme", "ci").key
    with pytest.raises(Fault) as caught:
        call(access.admin, key.id)
    assert caught.value.problem.code == code
    assert caught.value.problem.param == param
    assert access.admin.tenants()[0].id == "acme"
    assert [kept.id for kept in access.admin.keys("acme")] == [key.id]


async def test_the_first_key_is_made_once(access: Access):
    first = access.admin.ensure_first_key()
    assert first is not None
    assert (first.key.tenant, first.key.role) == ("default", "admin")
    assert access.admin.ensure_first_key() is None
    access.admin.revoke_key(first.key.id)
    assert access.admin.ensure_first_key() is None
    assert [key.id for key in access.admin.keys("default")] == [first.key.id]


async def test_the_owner_may_choose_the_first_key(access: Access):
    first = access.admin.ensure_first_key("sk-chosen-by-a-script")
    assert first is not None
    assert first.secret == "sk-chosen-by-a-script"
    caller = await access.gate.identify(b"sk-chosen-by-a-script")
    assert caller.key_id == first.key.id


@pytest.mark.parametrize("bad", ["short", "", "with a space in it", "密钥密钥密钥密钥密钥密钥密钥密钥"])
def test_a_first_key_that_will_not_do_is_refused_without_repeating_it(access: Access, bad: str):
    with pytest.raises(ValueError, match="ZHONGSHU_FIRST_KEY: use 16") as caught:
        access.admin.ensure_first_key(bad)
    assert not bad or bad not in str(caught.value)
    assert access.admin.keys() == ()


async def test_spending_is_seen_in_its_period(access: Access, clock: FakeClock):
    admin = access.admin
    with pytest.raises(Fault, match="invalid_value") as caught:  # nothing says what a dollar is worth
        admin.create_tenant("acme", limits=Limits(budget_nano=1000, budget_period="day", currency="USD"))
    assert "[[rates]]" in caught.value.problem.message
    access.reload(AccessSettings(), Exchange("CNY", (Rate(0, "USD", "7"),)))
    admin.create_tenant("acme", limits=Limits(budget_nano=1000, budget_period="day", currency="USD"))
    key = admin.create_key("acme", "ci")
    assert admin.key_spending(key.key.id) is None
    assert await spend(access, key.secret, 2100)
    spending = admin.tenant_spending("acme")
    assert spending is not None
    assert (spending.spent_nano, spending.budget_nano, spending.currency) == (300, 1000, "USD")
    assert spending.ends_ns is not None
    assert spending.ends_ns % DAY_NS == 0
    clock.advance(86_400)
    later = admin.tenant_spending("acme")
    assert later is not None
    assert (later.spent_nano, later.ends_ns) == (0, spending.ends_ns + DAY_NS)


async def spend(access: Access, secret: str, nano: int) -> bool:
    from zhongshu.core.access import Ask
    from zhongshu.core.answers import Usage

    caller = await access.gate.identify(secret.encode())
    permit = await access.gate.admit(caller, Ask(1, nano))
    permit.settle(Usage(1, 0), nano)
    await access.gate.settle()
    return True


def test_reconciling_somebody_unknown_changes_nothing(access: Access, clock: FakeClock):
    access.admin.reconcile("nobody", [Spend("default", "k_1", clock.now_ns(), 5)])
    assert access.admin.orphans() == []


def test_an_admin_leaves_no_trace_among_the_holders_of_leases(tmp_path: Path, clock: FakeClock):
    with open_admin(tmp_path / "home", clock) as admin:
        admin.create_tenant("acme")
    db = sqlite3.connect(tmp_path / "home" / "counters.db")
    assert db.execute("SELECT count(*) FROM owners").fetchone() == (0,)
    db.close()
