"""Clients of the crowd: each asks questions that only one answer is right for, and says what it saw.

The mock upstream echoes: asked with a word that nobody else uses, it says NAME.WORD, or NAME.WORD.0 NAME.WORD.1 ... in
a stream. So an answer that belongs to somebody else, that lacks a piece, has one twice, or was put together from two
upstreams is not the one expected. Knows nothing of the server under test but its address.
"""

from __future__ import annotations

import asyncio
import random
import string
from collections import Counter
from typing import Literal

import msgspec

from benchmarks import load

Kind = Literal["whole", "left", "broken", "refused", "wrong"]
NAMES = ("alpha", "beta", "gamma")
INTERVAL_MS = 100
PATIENCE_S = 60.0


class Question(msgspec.Struct, frozen=True):
    """What is asked. word: its own. chunks: of a stream, 0 for a plain answer. leave_after: chunks; 0 stays."""

    word: str
    chunks: int = 0
    leave_after: int = 0

    @property
    def body(self) -> bytes:
        words = f"[[mock:echo={self.word}]][[mock:interval={INTERVAL_MS}]]"
        return load.chat_body("crowd", chunks=self.chunks or None, words=words)


class Seen(msgspec.Struct, frozen=True):
    """What came of a question. trace: empty when no head arrived. name: of the upstream. why: of what is not whole."""

    kind: Kind
    trace: str = ""
    name: str = ""
    why: str = ""


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)
    message: _Delta = msgspec.field(default_factory=_Delta)
    finish_reason: str | None = None


class _Error(msgspec.Struct):
    code: str | None = None


class _Piece(msgspec.Struct):
    choices: list[_Choice] = []
    error: _Error | None = None


_piece = msgspec.json.Decoder(_Piece).decode


def judge(question: Question, text: str, *, finished: bool) -> tuple[bool, str]:
    """Whether `text` is the answer to the question, or its beginning; and the upstream that gave it."""
    name = text.strip().partition(".")[0]
    if not text and not finished:
        return True, ""
    if name not in NAMES:
        return False, name
    if not question.chunks:
        return text == f"{name}.{question.word}", name
    count = text.count(" ")
    right = text == "".join(f" {name}.{question.word}.{number}" for number in range(count))
    return right and (count == question.chunks or not finished), name


class Client:
    """One client with one connection, which it opens anew after it has left or was cut off."""

    def __init__(self, door: load.Door) -> None:
        self._port = door.port
        heads = "".join(f"{name}: {value}\r\n" for name, value in door.headers.items())
        self._head = f"POST {door.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n{heads}"
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, question: Question) -> Seen:
        """Ask and judge. Never raises for what a server can do."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._ask(question)
        except TimeoutError:
            self.close()
            return Seen("wrong", why="nothing more came")
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            return Seen("wrong", why=f"connection: {type(error).__name__}")
        except (ValueError, msgspec.DecodeError) as error:
            self.close()
            return Seen("wrong", why=f"not readable: {type(error).__name__}")

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _ask(self, question: Question) -> Seen:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        body = question.body
        self._writer.write(f"{self._head}content-length: {len(body)}\r\n\r\n".encode() + body)
        status, headers = await _read_head(self._reader)
        trace = headers.get("x-zhongshu-trace", "")
        if "content-length" in headers:
            return _whole(question, status, trace, await self._reader.readexactly(int(headers["content-length"])))
        return await self._stream(self._reader, question, trace)

    async def _stream(self, reader: asyncio.StreamReader, question: Question, trace: str) -> Seen:
        reading = _Reading()
        while data := await _read_chunk(reader):
            reading.take(data)
            if question.leave_after and reading.count >= question.leave_after:
                self.close()
                right, name = judge(question, reading.text, finished=False)
                return Seen("left", trace, name) if right else Seen("wrong", trace, name, "another's words")
        finished = reading.done and reading.stopped and not reading.error
        right, name = judge(question, reading.text, finished=finished)
        if not right:
            return Seen("wrong", trace, name, "another's words" if name in NAMES else "no words")
        if reading.error:
            return Seen("broken", trace, name, reading.error)
        return Seen("whole", trace, name) if finished else Seen("wrong", trace, name, "ended without an end")


class _Reading:
    """A stream of events as it comes."""

    def __init__(self) -> None:
        self.text = ""
        self.error = ""
        self.done = self.stopped = False
        self.count = 0
        self._rest = b""

    def take(self, data: bytes) -> None:
        """More bytes, cut anywhere."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                self._event(line[6:])

    def _event(self, data: bytes) -> None:
        if data.strip() == b"[DONE]":
            self.done = True
            return
        piece = _piece(data)
        if piece.error is not None:
            self.error = piece.error.code or "error"
        for choice in piece.choices:
            self.stopped = self.stopped or choice.finish_reason is not None
            if choice.delta.content:
                self.text += choice.delta.content
                self.count += 1


def _whole(question: Question, status: int, trace: str, body: bytes) -> Seen:
    reply = _piece(body)
    if status != 200:
        code = reply.error.code if reply.error else None
        return Seen("refused", trace, "", f"{status} {code}") if code else Seen("wrong", trace, "", f"bare {status}")
    text = (reply.choices[0].message.content or "") if reply.choices else ""
    right, name = judge(question, text, finished=True)
    return Seen("whole", trace, name) if right else Seen("wrong", trace, name, "another's words")


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:] if line)
    return int(lines[0].split(" ")[1]), {name.lower(): value.strip() for name, _, value in pairs}


async def _read_chunk(reader: asyncio.StreamReader) -> bytes:
    """One chunk of chunked coding; empty at its end. Raises IncompleteReadError when the connection is cut."""
    line = await reader.readuntil(b"\r\n")
    return (await reader.readexactly(int(line, 16) + 2))[:-2]


class Crowd:
    """All clients of a run, and what they saw. acknowledged: by trace, everything that a head arrived for."""

    def __init__(self, door: load.Door, clients: int, seed: int = 1) -> None:
        self._door = door
        self._clients = clients
        self._chance = random.Random(seed)
        self._asked = 0
        self.kinds: Counter[str] = Counter()
        self.by_name: Counter[str] = Counter()
        self.why: Counter[str] = Counter()
        self.acknowledged: dict[str, tuple[Kind, str]] = {}

    async def run(self, until: float) -> None:
        """Ask until the loop's clock says so; those who are asking then come to their end."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._clients):
                group.create_task(self._one(number, until))

    async def _one(self, number: int, until: float) -> None:
        """One in five leaves in mid-stream, one in five asks for plain answers, the rest read streams to their end."""
        client, now = Client(self._door), asyncio.get_running_loop().time
        await asyncio.sleep(self._chance.uniform(0, 4))
        while now() < until:
            self._note(await client.ask(self._question(number)))
            await asyncio.sleep(min(self._chance.expovariate(1), max(0.0, until - now())))
        client.close()

    def _question(self, number: int) -> Question:
        self._asked += 1
        word = letters(self._asked) + "".join(self._chance.choices(string.ascii_lowercase, k=6))
        if number % 5 == 1:
            return Question(word)
        chunks = self._chance.randint(15, 40)
        return Question(word, chunks, self._chance.randint(1, chunks - 8) if number % 5 == 0 else 0)

    def _note(self, seen: Seen) -> None:
        self.kinds[seen.kind] += 1
        if seen.name in NAMES:
            self.by_name[seen.name] += 1
        if seen.why:
            self.why[f"{seen.kind}: {seen.why}"] += 1
        if seen.trace:
            self.acknowledged[seen.trace] = seen.kind, seen.name


def letters(number: int) -> str:
    """A number in letters, so that nobody takes it for personal data."""
    made = ""
    while number:
        number, digit = divmod(number, 26)
        made = string.ascii_lowercase[digit] + made
    return made or "a"
