"""Settings of money: the currency that budgets are counted in, what others are worth, and who hears of a budget."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from zhongshu.core.money import Exchange, Rate
from zhongshu.core.prices import Currency
from zhongshu.core.times import ns_of


class MoneySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """currency: what budgets are counted in; None: what everything is priced in, else CNY.

    prices_file: a TOML file with more `[[prices]]`. alert_url: gets an HTTP POST for each alert, signed with
    alert_secret ("env:NAME" or "file:PATH"). alert_percents: the shares of a budget at which it alerts.
    """

    currency: Currency | None = None
    prices_file: Path | None = None
    alert_url: str = ""
    alert_secret: str = ""
    alert_percents: tuple[int, ...] = (50, 80, 100)

    def __post_init__(self) -> None:
        if self.alert_url and not self.alert_url.startswith(("http://", "https://")):
            raise ValueError(
                "alert_url: give an address that begins with https:// or http://",
                "alert_url: 请填写以 https:// 或 http:// 开头的地址",
            )
        if self.alert_url and not self.alert_secret:
            raise ValueError(
                'alert_secret: alerts are signed; write "env:NAME" or "file:PATH" and put a secret there',
                'alert_secret: 告警须签名；请写 "env:变量名" 或 "file:路径"，并把密钥放在那里',
            )
        if any(not 1 <= percent <= 1000 for percent in self.alert_percents):
            raise ValueError(
                "alert_percents: give whole numbers from 1 to 1000, such as [50, 80, 100]",
                "alert_percents: 请填写 1 到 1000 的整数，例如 [50, 80, 100]",
            )


class RateRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From the day `since` (UTC; empty: always) one unit of `currency` is worth `worth` of `money.currency`."""

    currency: Currency
    worth: float
    since: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.worth < 1e9:
            raise ValueError("worth: give a number above 0, such as 7.12", "worth: 请填写大于 0 的数，例如 7.12")
        if self.since:
            try:
                datetime.fromisoformat(self.since)
            except ValueError:
                raise ValueError(
                    'since: give a day in quotes such as "2026-11-01"',
                    'since: 请填写带引号的日期，例如 "2026-11-01"',
                ) from None

    @property
    def rate(self) -> Rate:
        """In the words of core: an exact decimal."""
        since_ns = ns_of(datetime.fromisoformat(self.since)) if self.since else 0
        return Rate(since_ns, self.currency, str(Decimal(repr(self.worth))))


def exchange_of(settings: MoneySettings, rates: Iterable[RateRow], priced_in: Iterable[str]) -> Exchange:
    """The rates of an installation. priced_in: the currencies that its models are priced in."""
    currencies = sorted(set(priced_in))
    home = settings.currency or (currencies[0] if len(currencies) == 1 else "CNY")
    return Exchange(home, tuple(row.rate for row in rates))
