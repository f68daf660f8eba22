"""How `ask` and `chat` ask a running server, and get its answer piece by piece.

Knows the chat endpoint's wire format and no terminal.
"""

from __future__ import annotations

import asyncio
import base64
import mimetypes
import signal
import threading
from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.response import Response

from zhongshu.cli.door import Door, Trouble
from zhongshu.cli.replies import Piece, decoded, pieces_of, trouble_of
from zhongshu.cli.words import chinese, t

Message = dict[str, Any]
T = TypeVar("T")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CONNECT = timedelta(seconds=5)
_SILENCE = timedelta(seconds=600)


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
            raise trouble_of(data, reply.status)
    return decoded(data)


def pieces(door: Door, body: dict[str, Any]) -> Generator[Piece]:
    """The answer as it comes. Closing the generator cancels it. Raises Trouble."""
    with _opened(door, body) as reply:
        if reply.status != 200:
            raise trouble_of(reply.rest(), reply.status)
        for data in _events(reply):
            yield from pieces_of(data)


class _Reply:
    """A reply that is still arriving, read piece by piece from ordinary code.

    The reading is asynchronous underneath, a step of an event loop for each piece: a blocking read would hold back
    Ctrl-C until the next piece comes.
    """

    def __init__(self, steps: _Steps, response: Response) -> None:
        self.status = response.status
        self._steps = steps
        self._response = response

    def read(self) -> bytes | None:
        """The next piece; None at the end."""
        chunk = self._steps.take(self._response.body_reader.read_chunk())
        return None if chunk is None else bytes(chunk)

    def rest(self) -> bytes:
        """All that is still to come."""
        return bytes(self._steps.take(self._response.bytes()))


class _Steps:
    """Takes steps of an event loop, one at a time, from ordinary code. Ctrl-C ends the one under way, or else the next.

    The runner's own way to deal with Ctrl-C is not used: it loses one that comes just before the loop goes to sleep, as
    nothing wakes it then. A handler of the loop is told through a pipe, which the loop looks at first.
    """

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._task: asyncio.Task[Any] | None = None
        self._interrupted = False
        here = threading.current_thread() is threading.main_thread()
        if (
            here and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):  # else somebody ignores or handles it
            runner.get_loop().add_signal_handler(signal.SIGINT, self._interrupt)

    def take(self, step: Awaitable[T]) -> T:
        """What the step comes to. Raises KeyboardInterrupt, once for each Ctrl-C."""
        try:
            done = self._runner.run(self._taken(step))
        except asyncio.CancelledError:
            if not self._interrupted:
                raise
        else:
            if not self._interrupted:  # a step may be done in the moment it is cancelled
                return done
        self._interrupted = False
        raise KeyboardInterrupt

    async def _taken(self, step: Awaitable[T]) -> T:
        """A runner takes coroutines; the client's steps are awaitables of another kind."""
        self._task = asyncio.current_task()
        return await step

    def _interrupt(self) -> None:
        self._interrupted = True
        if self._task is not None:
            self._task.cancel()


@contextmanager
def _opened(door: Door, body: dict[str, Any]) -> Generator[_Reply]:
    """The reply to a chat request; leaving cancels what has not arrived."""
    with asyncio.Runner() as runner:
        steps = _Steps(runner)
        client = _client(door)
        asked = client.post(f"{door.url}/v1/chat/completions").headers(_headers(door))
        asked = asked.header("content-type", "application/json").body_bytes(msgspec.json.encode(body))
        request = asked.streamed_read_buffer_limit(0).build_streamed()
        try:
            response = steps.take(request.__aenter__())
            try:
                yield _Reply(steps, response)
            except PyreqwestError as error:
                raise _cut() from error
            finally:
                steps.take(request.__aexit__(None, None, None))
        except PyreqwestError as error:
            raise _unreachable(door) from error
        finally:
            steps.take(client.close())


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


def _unreachable(door: Door) -> Trouble:
    return Trouble(
        t(
            f"No answer from {door.url}. Is it running? Start it with `zhongshu up`; see `zhongshu doctor`.",
            f"{door.url} 没有响应。服务是否在运行？请用 `zhongshu up` 启动；参见 `zhongshu doctor`。",
        ),
        "unreachable",
    )
