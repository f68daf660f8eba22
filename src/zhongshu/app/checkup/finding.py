"""What a check found."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the doctor's report. `mend` says what to do about it; empty when all is well."""

    check: str
    state: State
    en: str
    zh: str
    mend_en: str = ""
    mend_zh: str = ""


def ok(check: str, en: str, zh: str) -> Finding:
    """All is well."""
    return Finding(check=check, state="ok", en=en, zh=zh)


def warn(check: str, en: str, zh: str, mend_en: str, mend_zh: str) -> Finding:
    """It works, but not as it should."""
    return Finding(check=check, state="warn", en=en, zh=zh, mend_en=mend_en, mend_zh=mend_zh)


def fail(check: str, en: str, zh: str, mend_en: str, mend_zh: str) -> Finding:
    """It does not work."""
    return Finding(check=check, state="fail", en=en, zh=zh, mend_en=mend_en, mend_zh=mend_zh)
