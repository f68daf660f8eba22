"""Which language to speak: Chinese when the locale says so, English otherwise. ZHONGSHU_LANG=zh|en decides outright."""

from __future__ import annotations

import os


def chinese() -> bool:
    """Whether this user reads Chinese."""
    for name in ("ZHONGSHU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return value.lower().startswith("zh")
    return False


def t(en: str, zh: str) -> str:
    """The sentence in the user's language."""
    return zh if chinese() else en
