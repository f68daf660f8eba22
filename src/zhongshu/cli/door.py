"""Which server commands ask, and with which key; and what it is when that does not work."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from zhongshu.app import paths, running
from zhongshu.cli.words import t

_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?$", re.I)
_SENDABLE = re.compile(r"[!-~]+")


class Trouble(Exception):
    """The question could not be answered; its text is the sentence to show. `code`: the server's code, or ""."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class Door(msgspec.Struct, frozen=True):
    """A server and the key to it."""

    url: str
    key: str


def door_to(url: str | None = None) -> Door:
    """Where to ask: the option, $ZHONGSHU_URL, else the server of this home; the key likewise.

    Raises Trouble when there is none, with the remedy.
    """
    place = paths.home()
    local = running.find(place)
    address = url or os.environ.get("ZHONGSHU_URL") or (local.url if local else "")
    if not address:
        raise Trouble(
            t(
                "No server is running here. Start one with `zhongshu up`, or set ZHONGSHU_URL and ZHONGSHU_KEY.",
                "本机没有运行中的服务。请用 `zhongshu up` 启动，或设置 ZHONGSHU_URL 和 ZHONGSHU_KEY。",
            )
        )
    key = os.environ.get("ZHONGSHU_KEY") or _line(paths.cli_key_file(place))
    if not key:
        raise Trouble(
            t(
                "There is no key for this server. Set ZHONGSHU_KEY; make one with `zhongshu keys create`.",
                "没有访问该服务的密钥。请设置 ZHONGSHU_KEY；可用 `zhongshu keys create` 创建。",
            )
        )
    if not _ADDRESS.match(address):
        raise Trouble(
            t(
                f"{address} is not an address. Write it like http://127.0.0.1:7070.",
                f"{address} 不是地址。请写成 http://127.0.0.1:7070 这样。",
            )
        )
    if not _SENDABLE.fullmatch(key):
        raise Trouble(
            t(
                "ZHONGSHU_KEY is not a key: it holds spaces or letters that no key has. Copy it again.",
                "ZHONGSHU_KEY 不是密钥：含有密钥中不会出现的空格或字符。请重新复制。",
            )
        )
    return Door(address.rstrip("/").removesuffix("/v1"), key)


def _line(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
