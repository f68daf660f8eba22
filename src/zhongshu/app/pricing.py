"""Prices and rates of an installation: the rows of the settings and of the price file, held against the models and
against each other. What does not fit is complained of where it was written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from zhongshu.access.money import exchange_of
from zhongshu.app.checking import Checker, Origin
from zhongshu.app.complaints import SettingsError
from zhongshu.app.profiles import joined
from zhongshu.app.settings import Settings
from zhongshu.app.toml_lines import Place, locate
from zhongshu.catalog.prices import PriceRow, flaws, priced, tariffs
from zhongshu.core.models import Offer
from zhongshu.core.money import Exchange


class _PriceFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file of `money.prices_file` may hold."""

    prices: tuple[PriceRow, ...] = ()


def with_prices(settings: Settings, checker: Checker) -> Settings:
    """The settings with the price file's rows behind their own. Complaints go to `checker`.

    Raises SettingsError for a price file that cannot be used.
    """
    _check_rows(settings.prices, checker)
    _check_names(settings, checker)
    read = _read_file(settings.money.prices_file) if settings.money.prices_file else ()
    more = tuple(row for row in read if row not in settings.prices)
    settings = msgspec.structs.replace(settings, prices=(*settings.prices, *more))
    if more and not checker.complaints:
        _check_rows(settings.prices, checker)
    _check_rates(settings, checker)
    return settings


def exchange(settings: Settings) -> Exchange:
    """The rates between the currencies of this installation."""
    return exchange_of(settings.money, settings.rates, (currency for currency, _ in _currencies(settings)))


def exchange_between(settings: Settings) -> Exchange | None:
    """The same, where something is priced in another currency than budgets are counted in; else None."""
    home = exchange(settings)
    return home if any(currency != home.home for currency, _ in _currencies(settings)) else None


def with_tariffs(settings: Settings, offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """The offers with the prices that the tables have for them."""
    by_model = tariffs(settings.prices)
    return tuple(priced(offer, by_model) for offer in offers) if by_model else tuple(offers)


def _read_file(file: Path) -> tuple[PriceRow, ...]:
    text, raw = _parsed(file)
    lines = locate(text)

    def origin(place: Place) -> Origin:
        ends = range(len(place), 0, -1)
        line = next((lines[place[:end]] for end in ends if place[:end] in lines), 1)
        return Origin(f"{file.name} line {line}", f"{file.name} 第 {line} 行", file.parent)

    checker = Checker(origin)
    found = checker.struct(_PriceFile, raw)
    if found is not None:
        _check_rows(found.prices, checker)
    if found is None or checker.complaints:
        raise SettingsError(tuple(checker.complaints))
    return found.prices


def _parsed(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except OSError as error:
        why, why_zh = f"it cannot be read ({error.strerror})", f"无法读取（{error.strerror}）"
    except ValueError as error:
        why, why_zh = f"this is not TOML in UTF-8: {error}", f"不是 UTF-8 编码的 TOML：{error}"
    checker = Checker(lambda place: Origin(str(file), str(file), file.parent))
    checker.complain(("money", "prices_file"), None, why, why_zh)
    raise SettingsError(tuple(checker.complaints))


def _check_rows(rows: tuple[PriceRow, ...], checker: Checker) -> None:
    for flaw in flaws(rows):
        checker.complain(("prices", flaw.row, flaw.field), getattr(rows[flaw.row], flaw.field), flaw.en, flaw.zh)


def _check_names(settings: Settings, checker: Checker) -> None:
    """A price of the settings is of a model that is there, the profile's among them; a price file may know more models."""
    models = joined(settings.profile, settings.models)
    known = {row.name for row in models} | {name for row in settings.upstreams for name in row.models}
    releases = {f"{row.name}@{row.version}" for row in models} | {f"{name}@1" for name in known}
    for number, row in enumerate(settings.prices):
        if row.model not in known and row.model not in releases:
            checker.complain(
                ("prices", number, "model"),
                row.model,
                "there is no such model; mend the name, add its row to [[models]], or move the price to a prices_file",
                "没有这个模型；请更正名称、在 [[models]] 中添加该模型，或把价格移到 prices_file",
            )


def _check_rates(settings: Settings, checker: Checker) -> None:
    home = exchange(settings)
    for number, row in enumerate(settings.rates):
        if row.currency == home.home:
            checker.complain(
                ("rates", number, "currency"),
                row.currency,
                f"budgets are counted in {home.home} itself; give what another currency is worth",
                f"预算本身以 {home.home} 计；请填写其他币种的汇率",
            )
    for currency, place in _currencies(settings):
        if not home.knows(currency):
            checker.complain(
                place,
                currency,
                f"budgets are counted in {home.home}, and nothing says what {currency} is worth: add a row to "
                f'[[rates]] (currency = "{currency}", worth = ...), or set money.currency',
                f"预算以 {home.home} 计，但没有 {currency} 的汇率：请在 [[rates]] 中添加一行"
                f'（currency = "{currency}"，worth = …），或设置 money.currency',
            )
            return


def _currencies(settings: Settings) -> list[tuple[str, Place]]:
    """The currencies that something costs money in, each with the place that says so."""
    found: list[tuple[str, Place]] = []
    for number, row in enumerate(settings.prices):
        if not row.price.free:
            found.append((row.currency, ("prices", number, "currency")))
    for number, row in enumerate(settings.models):
        if not row.price.free:
            found.append((row.price.currency, ("models", number, "price", "currency")))
    return found
