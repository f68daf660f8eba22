"""Budgets of users and models hold; a new one counts what its period has cost; alerts are given once and signed."""

from __future__ import annotations

import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from zhongshu.access.alerts import Alert, signature
from zhongshu.access.budgets import Spent
from zhongshu.access.build import Access
from zhongshu.access.keys import Budget
from zhongshu.access.money import MoneySettings
from zhongshu.app.alerting import look_and_tell, tell
from zhongshu.app.settings import Settings
from zhongshu.core.access import Ask, Limits
from zhongshu.core.answers import Usage
from zhongshu.core.clock import FakeClock
from zhongshu.core.problems import Fault, Refusal


async def ask(access: Access, secret: str, cost: int, user: str | None = None, model: str = "m") -> str:
    """Ask and settle for what was asked; the code of a refusal, or "" when it was let in."""
    caller = await access.gate.identify(secret.encode())
    permit = await access.gate.admit(caller, Ask(1, cost, user, model))
    if isinstance(permit, Refusal):
        return permit.problem.code
    permit.settle(Usage(1, 0), cost)
    return ""


async def test_users_and_models_have_budgets_of_their_own(access: Access) -> None:
    access.admin.create_tenant("acme")
    one = access.admin.create_key("acme", "one").secret
    desk = access.admin.budgets
    desk.set(Budget(tenant="acme", scope="user", whose="*", budget_nano=100))
    desk.set(Budget(tenant="acme", scope="user", whose="boss", budget_nano=1000))
    desk.set(Budget(tenant="*", scope="model", whose="dear", budget_nano=150))
    await access.gate.refresh()
    assert await ask(access, one, 100, "alice") == ""
    assert await ask(access, one, 1, "alice") == "insufficient_quota"
    assert await ask(access, one, 60, "bob") == ""
    assert await ask(access, one, 60, "bob") == "budget_too_small"
    assert await ask(access, one, 500, "boss") == ""
    assert await ask(access, one, 10_000) == ""  # names no user
    assert await ask(access, one, 150, "boss", "dear") == ""
    assert await ask(access, one, 1, None, "dear") == "insufficient_quota"
    await access.gate.settle()
    spent = {row.whose: desk.spending(row).spent_nano for row in desk.all()}
    assert spent == {"*": 100, "boss": 650, "dear": 150}
    assert desk.remove("*", "model", "dear")
    assert not desk.remove("*", "model", "dear")


@pytest.mark.parametrize(
    ("budget", "field"),
    [
        (Budget(tenant="acme", scope="key", whose="k", budget_nano=1), "scope"),
        (Budget(tenant="acme", scope="user", whose="", budget_nano=1), "whose"),
        (Budget(tenant="acme", scope="model", whose="*", budget_nano=1), "whose"),
        (Budget(tenant="*", scope="user", whose="a", budget_nano=1), "tenant"),
        (Budget(tenant="acme", scope="user", whose="a", budget_nano=-1), "budget"),
        (Budget(tenant="acme", scope="user", whose="a", budget_nano=1, period="year"), "period"),
        (Budget(tenant="acme", scope="user", whose="a", budget_nano=1, currency="USD"), "currency"),
    ],
)
def test_a_budget_that_will_not_do_names_its_field(access: Access, budget: Budget, field: str) -> None:
    with pytest.raises(Fault) as caught:
        access.admin.budgets.set(budget)
    assert caught.value.problem.param == field


async def test_a_budget_counts_what_its_period_has_cost(access: Access) -> None:
    asked: list[Spent] = []

    def past(spent: Spent) -> int:
        asked.append(spent)
        return 80

    access.admin.budgets.past = past
    access.admin.create_tenant("acme")
    key = access.admin.create_key("acme", "one")
    access.admin.update_tenant("acme", limits=Limits(budget_nano=100))
    spending = access.admin.tenant_spending("acme")
    assert spending
    assert (spending.spent_nano, asked[0].scope, asked[0].since_ns) == (80, "tenant", 1_698_796_800 * 10**9)
    assert await ask(access, key.secret, 30) == "budget_too_small"
    access.admin.update_tenant("acme", limits=Limits(budget_nano=90))  # lowered: nothing is asked again
    assert len(asked) == 1


class Listener:
    """Takes alerts over a real socket; refuses as many as it is told to."""

    def __init__(self, refuse: int = 0) -> None:
        self.got: list[tuple[str, bytes]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                listener.got.append((self.headers["x-zhongshu-signature"], body))
                self.send_response(503 if len(listener.got) <= refuse else 204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


async def test_alerts_are_given_once_a_period_signed_and_again_until_taken(
    access: Access, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_SECRET", "s3cret")
    listener = Listener(refuse=1)
    money = MoneySettings(alert_url=listener.url, alert_secret="env:ALERT_SECRET")
    settings = Settings(home=tmp_path / "home", money=money)
    admin = access.admin
    admin.create_tenant("acme", limits=Limits(budget_nano=100 * 10**9, budget_period="day"))
    secret = admin.create_key("acme", "one").secret

    async def spend(units: int) -> list[tuple[int, str]]:
        assert await ask(access, secret, units * 10**9) == ""
        await access.gate.settle()
        return [(alert.percent, alert.state) for alert in look_and_tell(admin, settings)]

    assert await spend(49) == []
    assert await spend(32) == [(80, "waiting")]  # 50 was reached at the same time; the listener was not well
    assert look_and_tell(admin, settings) == []  # not before its pause is over
    clock.advance(6)
    assert [alert.state for alert in look_and_tell(admin, settings)] == ["sent"]
    assert look_and_tell(admin, settings) == []  # once
    signed, body = listener.got[-1]
    at, _, mark = signed.partition(",")
    expected = hmac.digest(b"s3cret", at[2:].encode() + b"." + body, "sha256").hex()
    assert mark == f"v1={expected}"
    told = json.loads(body)
    assert (told["scope"], told["tenant"], told["percent"]) == ("tenant", "acme", 80)
    assert (told["spent"], told["budget"], told["currency"]) == ("81", "100", "CNY")
    assert [(alert.percent, alert.state) for alert in admin.alerts.all()] == [(80, "sent")]
    clock.advance(86_400)  # a new period
    assert await spend(50) == [(50, "sent")]
    listener.server.shutdown()
    listener.server.server_close()
    assert tell(money, admin.alerts.all()[0]) == "ConnectionRefusedError"


@pytest.mark.parametrize(("mode", "trouble"), [(0o600, "ConnectionRefusedError"), (0o644, "no secret")])
def test_a_secret_that_others_may_read_signs_nothing(tmp_path: Path, mode: int, trouble: str) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    file.chmod(mode)
    money = MoneySettings(alert_url="http://127.0.0.1:9/", alert_secret=f"file:{file}")
    alert = Alert(
        id="a", purse="p", percent=80, budget_nano=100, spent_nano=81, currency="CNY", scope="tenant", tenant="acme",
        whose="", period="day", at_ns=0, state="waiting",
    )  # fmt: skip
    assert tell(money, alert) == trouble


def test_a_signature_is_bound_to_its_time() -> None:
    assert signature(b"k", 1, b"x") != signature(b"k", 2, b"x")
    assert signature(b"k", 1, b"x").startswith("t=1,v1=")
