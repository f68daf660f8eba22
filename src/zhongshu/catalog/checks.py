"""Whether what somebody wants of a traffic plan can be done: a Fault that names the field and the remedy, else nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NoReturn

from zhongshu.catalog.plans import Canary, Rule
from zhongshu.core.problems import Said, fault

MOST_RULES = 100
_HEADER = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def check_shares(shares: Mapping[str, float]) -> Mapping[str, float]:
    """Weights, at least one of them of something."""
    if not all(math.isfinite(share) and 0 <= share <= 1e6 for share in shares.values()) or not sum(shares.values()):
        _refuse("shares", "give numbers, 0 or more, at least one above 0", "请填写不小于 0 的数，且至少一个大于 0")
    return shares


def check_percent(percent: float) -> float:
    """A part of all turns."""
    if not 0 < percent <= 100:
        _refuse("percent", "give a number above 0, at most 100", "请填写大于 0、不超过 100 的数")
    return percent


def check_rules(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Each rule must name something to go by."""
    if len(rules) > MOST_RULES:
        _refuse("rules", f"give at most {MOST_RULES}", f"最多 {MOST_RULES} 条")
    for number, rule in enumerate(rules):
        if not (rule.tenants or rule.keys or rule.users or rule.header):
            _refuse(
                f"rules[{number}]",
                "say when it holds: tenants, keys, users or header; to move all turns, use shares",
                "请说明何时适用：tenants、keys、users 或 header；如要移动全部流量请使用 shares",
            )
        if not set(rule.header) <= _HEADER or (rule.value and not rule.header):
            _refuse(
                f"rules[{number}].header",
                "give the name of a request header, such as x-beta",
                "请填写请求头名称，例如 x-beta",
            )
    return rules


def check_canary(canary: Canary) -> None:
    """Steps rise from more than nothing to less than all; every bound is of a size that can be decided."""
    steps = canary.steps
    if not steps or not all(0 < step <= 100 for step in steps) or list(steps) != sorted(set(steps)):
        _refuse("steps", "give percentages that rise, such as 5, 20, 50", "请填写递增的百分比，例如 5, 20, 50")
    if steps[0] >= 100:
        _refuse(
            "steps", "begin below 100; use promote to give it all turns", "起始应小于 100；如要承担全部流量请用 promote"
        )
    if not 20 <= canary.min_turns <= 10_000_000:
        _refuse("min_turns", "give a number of turns, at least 20", "请填写请求数，至少 20")
    if not 0 <= canary.step_s <= 30 * 86_400:
        _refuse("step_s", "give seconds, from 0 to 30 days", "请填写秒数，0 到 30 天")
    if not 0.5 <= canary.confidence < 1:
        _refuse("confidence", "give a number from 0.5 to below 1, such as 0.95", "请填写 0.5 到 1 之间的数，例如 0.95")
    checks = canary.checks
    for name, most in (("error_rate", 1.0), ("latency", 100.0), ("cost", 100.0), ("score", 1.0)):
        margin = getattr(checks, name)
        if margin is not None and not 0 < margin <= most:
            _refuse(
                f"checks.{name}",
                f"give how much worse it may be, above 0, at most {most:g}",
                f"请填写允许变差的幅度，大于 0，不超过 {most:g}",
            )
    if (checks.error_rate, checks.latency, checks.cost, checks.score) == (None, None, None, None):
        _refuse("checks", "leave at least one check on", "请至少保留一项检查")


def _refuse(field: str, en: str, zh: str) -> NoReturn:
    raise fault("invalid_value", param=field, field=field, why=Said(en, zh))
