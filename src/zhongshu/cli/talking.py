"""How `ask` and `chat` speak to a running server: where it is, with which key, and its answer piece by piece.

Knows the chat endpoint's wire format and no terminal.
"""

from __future__ import annotations

import asyncio
import base64
import mimetypes
import os
import re
from collections.abc import Awaitable, Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.response import Response

from zhongshu.app import paths, running
from zhongshu.cli.words import chinese, t

Message = dict[str, Any]
T = TypeVar("T")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?$", re.I)
_SENDABLE = re.compile(r"[!-~]+")
_CONNECT = timedelta(seconds=5)
_SILENCE = timedelta(seconds=600)


class Trouble(Exception):
    """The question could not be answered; its text is the sentence to show. `code`: the server's code, or ""."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class Door(msgspec.Struct, frozen=True):
    """A server and the key to it."""

    url: str
    key: str


class RouteFacts(msgspec.Struct, frozen=True):
    """Who answered, and why."""

    release: str = ""
    reason: str = ""
    reason_zh: str = ""


class UsageFacts(msgspec.Struct, frozen=True):
    """Tokens in and out."""

    prompt: int = 0
    completion: int = 0
    estimated: bool = False


class CostFacts(msgspec.Struct, frozen=True):
    """Money, as a decimal text."""

    amount: str = "0"
    currency: str = ""


class LabelFacts(msgspec.Struct, frozen=True):
    """The AI label and the words to render it with."""

    explicit: bool = False
    text: str = ""
    text_zh: str = ""


class ProgressFacts(msgspec.Struct, frozen=True):
    """What an assistant does now, and with which model."""

    stage: str = ""
    model: str = ""


class Extra(msgspec.Struct, frozen=True):
    """The `zhongshu` object of a reply, as far as a person wants to see it."""

    trace: str = ""
    route: RouteFacts = RouteFacts()
    usage: UsageFacts = UsageFacts()
    cost: CostFacts = CostFacts()
    label: LabelFacts | None = None
    overhead_ms: float | None = None
    progress: ProgressFacts | None = None


class Piece(msgspec.Struct, frozen=True):
    """Some of the answer: its text, some of the thought before it, a tool call, what an assistant does now, or what the
    server says of it all."""

    text: str = ""
    thought: str = ""
    tool: str = ""
    extra: Extra | None = None
    progress: ProgressFacts | None = None


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct, frozen=True):
    function: _Function = _Function()


class _Content(msgspec.Struct, frozen=True):
    content: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: tuple[_Call, ...] | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Content = _Content()
    message: _Content = _Content()


class _Error(msgspec.Struct, frozen=True):
    message: str = ""
    code: str | None = None


class _Body(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...] = ()
    zhongshu: Extra | None = None
    error: _Error | None = None


def door(url: str | None = None, environ: Mapping[str, str] = os.environ) -> Door:
    """Where to ask: the option, $ZHONGSHU_URL, else the server of this home; the key likewise.

    Raises Trouble when there is none, with the remedy.
    """
    place = paths.home(environ)
    local = running.find(place)
    address = url or environ.get("ZHONGSHU_URL") or (local.url if local else "")
    if not address:
        raise Trouble(
            t(
                "No server is running here. Start one with `zhongshu up`, or set ZHONGSHU_URL and ZHONGSHU_KEY.",
                "本机没有运行中的服务。请用 `zhongshu up` 启动，或设置 ZHONGSHU_URL 和 ZHONGSHU_KEY。",
            )
        )
    key = environ.get("ZHONGSHU_KEY") or _line(paths.cli_key_file(place))
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


def user_message(text: str, files: tuple[Path, ...] = ()) -> Message:
    """A question with what was attached: pictures as parts of their own, everything else as text.

    Raises Trouble when a file cannot be read.
    """
    pictures: list[dict[str, Any]] = []
    for file in files:
        kind = mimetypes.guess_type(file.name)[0] or ""
        try:
            data = file.read_bytes()
            if kind.startswith("image/"):
                url = f"data:{kind};base64,{base64.b64encode(data).decode()}"
                pictures.append({"type": "image_url", "image_url": {"url": url}})
            else:
                text += f"\n\n{file.name}:\n\n{data.decode('utf-8')}"
        except OSError as error:
            raise Trouble(
                t(f"{file} cannot be read: {error.strerror}.", f"无法读取 {file}：{error.strerror}。")
            ) from None
        except UnicodeDecodeError:
            raise Trouble(
                t(
                    f"{file} is neither a picture nor text in UTF-8. Convert it first.",
                    f"{file} 既不是图片，也不是 UTF-8 文本。请先转换。",
                )
            ) from None
    if not pictures:
        return {"role": "user", "content": text}
    return {"role": "user", "content": [{"type": "text", "text": text}, *pictures]}


def request(messages: list[Message], model: str, depth: str | int | None, *, stream: bool) -> dict[str, Any]:
    """The body of a chat request."""
    body: dict[str, Any] = {"model": model, "messages": messages, "stream": stream}
    if depth is not None:
        body["zhongshu"] = {"depth": depth}
    if stream:
        body["stream_options"] = {"include_usage": True}
    return body


def whole(door: Door, body: dict[str, Any]) -> dict[str, Any]:
    """The whole reply of a request that does not stream. Raises Trouble."""
    with _opened(door, body) as reply:
        data = reply.rest()
        if reply.status != 200:
            raise _trouble(_error_of(data), reply.status)
    return _decoded(data)


def reply(body: dict[str, Any]) -> Piece:
    """The first choice of a whole reply, all in one piece."""
    try:
        whole = msgspec.convert(body, _Body)
    except msgspec.ValidationError:
        raise _not_ours() from None
    first = _piece(whole.choices[0].message) if whole.choices else Piece()
    return msgspec.structs.replace(first, extra=whole.zhongshu)


def pieces(door: Door, body: dict[str, Any]) -> Generator[Piece]:
    """The answer as it comes. Closing the generator cancels it. Raises Trouble."""
    with _opened(door, body) as reply:
        if reply.status != 200:
            raise _trouble(_error_of(reply.rest()), reply.status)
        for data in _events(reply):
            yield from _pieces_of(data)


class _Reply:
    """A reply that is still arriving, read piece by piece from ordinary code.

    The reading is asynchronous underneath, a step of an event loop for each piece: a blocking read would hold back
    Ctrl-C until the next piece comes.
    """

    def __init__(self, runner: asyncio.Runner, response: Response) -> None:
        self.status = response.status
        self._runner = runner
        self._response = response

    def read(self) -> bytes | None:
        """The next piece; None at the end."""
        chunk = self._runner.run(_awaited(self._response.body_reader.read_chunk()))
        return None if chunk is None else bytes(chunk)

    def rest(self) -> bytes:
        """All that is still to come."""
        return bytes(self._runner.run(_awaited(self._response.bytes())))


@contextmanager
def _opened(door: Door, body: dict[str, Any]) -> Generator[_Reply]:
    """The reply to a chat request; leaving cancels what has not arrived."""
    with asyncio.Runner() as runner:
        client = _client(door)
        asked = client.post(f"{door.url}/v1/chat/completions").headers(_headers(door))
        asked = asked.header("content-type", "application/json").body_bytes(msgspec.json.encode(body))
        request = asked.streamed_read_buffer_limit(0).build_streamed()
        try:
            response = runner.run(_awaited(request.__aenter__()))
            try:
                yield _Reply(runner, response)
            except PyreqwestError as error:
                raise _cut() from error
            finally:
                runner.run(_awaited(request.__aexit__(None, None, None)))
        except PyreqwestError as error:
            raise _unreachable(door) from error
        finally:
            runner.run(_awaited(client.close()))


async def _awaited(step: Awaitable[T]) -> T:
    """A runner takes coroutines; the client's steps are awaitables of another kind."""
    return await step


def _client(door: Door) -> Client:
    builder = ClientBuilder().connect_timeout(_CONNECT).read_timeout(_SILENCE)
    host = urlsplit(door.url).hostname or ""
    return (builder.no_proxy() if host in _LOOPBACK else builder).build()


def _headers(door: Door) -> dict[str, str]:
    return {"authorization": f"Bearer {door.key}", "accept-language": "zh" if chinese() else "en"}


def _events(reply: _Reply) -> Generator[bytes]:
    """The data of each server-sent event up to the end mark."""
    waiting = b""
    while (chunk := reply.read()) is not None:
        *lines, waiting = (waiting + chunk).split(b"\n")
        for line in lines:
            data = line.removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
            if data == b"[DONE]":
                return
            if data:
                yield data
    raise _cut()


def _cut() -> Trouble:
    return Trouble(t("The answer broke off before its end.", "回答在结束前中断。"), "cut")


def _pieces_of(data: bytes) -> Generator[Piece]:
    try:
        chunk = msgspec.json.decode(data, type=_Body)
    except msgspec.DecodeError:
        raise _not_ours() from None
    if chunk.error:
        raise _trouble(chunk.error, 200)
    for choice in chunk.choices:
        yield _piece(choice.delta)
    if chunk.zhongshu and chunk.zhongshu.progress:
        yield Piece(progress=chunk.zhongshu.progress)
    elif chunk.zhongshu:
        yield Piece(extra=chunk.zhongshu)


def _piece(content: _Content) -> Piece:
    calls = "".join(f"{call.function.name or ''}{call.function.arguments or ''}" for call in content.tool_calls or ())
    return Piece(content.content or content.refusal or "", content.reasoning_content or "", calls)


def _not_ours() -> Trouble:
    return Trouble(
        t(
            "The server's reply is not one of Zhongshu's; is the address right?",
            "服务的响应不是中枢的格式；地址是否正确？",
        )
    )


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        value = None
    if not isinstance(value, dict):
        raise _not_ours()
    return cast("dict[str, Any]", value)


def _error_of(body: bytes) -> _Error:
    try:
        return msgspec.json.decode(body, type=_Body).error or _Error()
    except msgspec.DecodeError:
        return _Error()


def _trouble(error: _Error, status: int) -> Trouble:
    sentence = error.message or t(f"The server answered {status}.", f"服务返回状态 {status}。")
    return Trouble(sentence, error.code or "")


def _unreachable(door: Door) -> Trouble:
    return Trouble(
        t(
            f"No answer from {door.url}. Is it running? Start it with `zhongshu up`; see `zhongshu doctor`.",
            f"{door.url} 没有响应。服务是否在运行？请用 `zhongshu up` 启动；参见 `zhongshu doctor`。",
        ),
        "unreachable",
    )


def _line(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
