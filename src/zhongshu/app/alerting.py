"""Tells of budgets that run low: the one process that does it is the supervisor. A look every few seconds at what is
spent, a note for each share newly reached, and a signed HTTP POST for each note until somebody has taken it.

Works in a thread of its own turn, never on the supervisor's loop; a disk or a listener that fails is tried again.
"""

from __future__ import annotations

import asyncio
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from zhongshu.access.admin import AccessAdmin
from zhongshu.access.alerts import Alert, body_of, signature
from zhongshu.access.build import open_admin
from zhongshu.access.money import MoneySettings
from zhongshu.app.pricing import exchange
from zhongshu.app.settings import Settings
from zhongshu.storage.secrets import SecretError, read_secret

log = logging.getLogger("zhongshu.alerts")

LOOK_S = 3.0
TIMEOUT_S = 10.0
SIGNATURE = "X-Zhongshu-Signature"


class _Straight(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else than where it was sent: a signed body is for one reader."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        """No."""


_opener = urllib.request.build_opener(_Straight)


async def alerting(settings: Callable[[], Settings]) -> None:
    """Look and tell until cancelled. `settings` gives those in force."""
    while True:
        try:
            with open_admin(settings().home) as admin:  # held open: opening it writes, and an idle disk may sleep
                while True:
                    await asyncio.to_thread(look_and_tell, admin, settings())
                    await asyncio.sleep(LOOK_S)
        except Exception as error:  # noqa: BLE001 - a border: alerts must not end with a full disk or a broken row
            log.error("budgets could not be looked at, will try again: %s", type(error).__name__)
        await asyncio.sleep(LOOK_S)


def look_and_tell(admin: AccessAdmin, settings: Settings) -> list[Alert]:
    """One look: note what was newly reached, tell what is due. The alerts that were tried."""
    money = settings.money
    admin.budgets.exchange = exchange(settings)
    for alert in admin.alerts.look(money.alert_percents, listening=bool(money.alert_url)):
        log.info("budget of %s %s reached %d%%", alert.scope, alert.tenant, alert.percent)
    if not money.alert_url:
        return []
    tried = [admin.alerts.told(alert, tell(money, alert)) for alert in admin.alerts.due()]
    for alert in tried:
        if alert.trouble:
            log.warning("alert %s was not taken (%s), state: %s", alert.id, alert.trouble, alert.state)
    return tried


def tell(money: MoneySettings, alert: Alert) -> str:
    """POST one alert. "" when it was taken (2xx), else what was in the way: a status or the name of an error."""
    try:
        secret = read_secret(money.alert_secret).encode()
    except SecretError as error:
        log.warning("alerts cannot be signed: %s", error)
        return "no secret"
    body = body_of(alert)
    headers = {"Content-Type": "application/json", SIGNATURE: signature(secret, int(time.time()), body)}
    request = urllib.request.Request(money.alert_url, body, headers, method="POST")
    try:
        with _opener.open(request, timeout=TIMEOUT_S) as reply:
            return "" if 200 <= reply.status < 300 else str(reply.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return type(reason).__name__ if isinstance(reason, OSError) else type(error).__name__
