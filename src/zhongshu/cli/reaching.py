"""How `files` and `batches` speak to a running server: JSON, uploads and downloads. Knows no terminal but for errors."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import typer

from zhongshu.cli.door import Door, Trouble, door_to
from zhongshu.cli.output import fail
from zhongshu.cli.replies import trouble_of
from zhongshu.cli.words import chinese, t

if TYPE_CHECKING:
    from pyreqwest.client import SyncClient
    from pyreqwest.response import SyncResponse


UrlOption = typer.Option(
    None,
    "--url",
    help=t(
        "The server's address; default: the local one, or ZHONGSHU_URL.", "服务地址；默认为本机服务或 ZHONGSHU_URL。"
    ),
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CONNECT = timedelta(seconds=5)
_SILENCE = timedelta(seconds=600)
_PIECE = 1 << 20


@contextmanager
def server(url: str | None) -> Generator[Server]:
    """The server to ask; leaves with a sentence when it cannot be reached or refuses."""
    from pyreqwest.client import SyncClientBuilder
    from pyreqwest.exceptions import PyreqwestError

    try:
        found = door_to(url)
        builder = SyncClientBuilder().connect_timeout(_CONNECT).read_timeout(_SILENCE)
        host = urlsplit(found.url).hostname or ""
        with (builder.no_proxy() if host in _LOOPBACK else builder).build() as client:
            yield Server(client, found)
    except Trouble as trouble:
        fail(str(trouble), str(trouble))
    except PyreqwestError:
        fail(
            "The server does not answer. Is it running? Start it with `zhongshu up`; see `zhongshu doctor`.",
            "服务没有响应。是否在运行？请用 `zhongshu up` 启动；参见 `zhongshu doctor`。",
        )


class Server:
    """A running server and the key to it."""

    def __init__(self, client: SyncClient, door: Door) -> None:
        self._client = client
        self._base = f"{door.url}/v1"
        self._headers = {"authorization": f"Bearer {door.key}", "accept-language": "zh" if chinese() else "en"}

    def get(self, path: str) -> dict[str, Any]:
        """An object."""
        return _object(self._client.get(self._base + path).headers(self._headers).build().send())

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The object made."""
        asked = self._client.post(self._base + path).headers(self._headers)
        asked = asked.header("content-type", "application/json").body_bytes(msgspec.json.encode(body or {}))
        return _object(asked.build().send())

    def delete(self, path: str) -> dict[str, Any]:
        """What is said of its end."""
        return _object(self._client.delete(self._base + path).headers(self._headers).build().send())

    def upload(self, file: Path, purpose: str) -> dict[str, Any]:
        """The file's object. Leaves when the file cannot be read."""
        from pyreqwest.multipart import FormBuilder

        if not file.is_file():
            fail(f"{file} is not there, or is no file.", f"{file} 不存在或不是文件。")
        form = FormBuilder().text("purpose", purpose).sync_file("file", file)
        return _object(self._client.post(f"{self._base}/files").headers(self._headers).multipart(form).build().send())

    def download(self, id: str) -> Generator[bytes]:
        """A file's content, piece by piece."""
        asked = self._client.get(f"{self._base}/files/{id}/content").headers(self._headers)
        with asked.build_streamed() as reply:
            if reply.status != 200:
                raise trouble_of(bytes(reply.bytes()), reply.status)
            while (piece := reply.body_reader.read(_PIECE)) is not None and len(piece):
                yield bytes(piece)


def _object(reply: SyncResponse) -> dict[str, Any]:
    body = bytes(reply.bytes())
    if reply.status >= 400:
        raise trouble_of(body, reply.status)
    return msgspec.json.decode(body, type=dict[str, Any])
