"""Finding, among the questions of one scope, the one that means the same: exact search over unit vectors.

Two tests, both to be passed: the guard (words) and the cosine (vectors). The guard comes first because it is cheap:
where no kept question passes it, nothing is embedded and the turn loses no time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import Any, Protocol

import msgspec
import numpy as np

from zhongshu.caches.disk import Asked, Disk
from zhongshu.caches.guard.gist import Gist, gist, same_gist
from zhongshu.core.problems import Fault, fault

log = logging.getLogger("zhongshu.caches")

_SCOPES = 512
_QUESTIONS = 2000
PREFIX = "query: "
"""What e5 models want before each text of a symmetric comparison (their model card)."""


class Embedder(Protocol):
    """Makes a vector of each text."""

    async def embed(self, texts: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
        """One for each, in order. Raises Fault."""
        ...


class Question(msgspec.Struct, frozen=True):
    """A question as it is kept: the text, its unit vector as little-endian float32, and the model that made it."""

    text: str
    vector: bytes
    by: str = ""


class Similar(msgspec.Struct, frozen=True):
    """A kept question that means the same."""

    key: bytes
    cosine: float


class Batching:
    """Embeds what is asked for while an earlier call is under way in one call after it."""

    def __init__(self, embedder: Embedder, most: int = 32) -> None:
        self._embedder = embedder
        self._most = most
        self._waiting: list[tuple[str, asyncio.Future[Any]]] = []
        self._running: asyncio.Task[None] | None = None

    async def embed(self, text: str) -> np.ndarray:
        """The unit vector of a text, float32. Raises Fault."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((text, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._embed([(text, future) for text, future in batch if not future.done()])
        finally:
            self._running = None

    async def _embed(self, batch: list[tuple[str, asyncio.Future[Any]]]) -> None:
        if not batch:
            return
        try:
            made = await self._embedder.embed(tuple(PREFIX + text for text, _ in batch))
            vectors = unit(np.asarray(made, dtype=np.float32))
            for (_, future), vector in zip(batch, vectors, strict=True):
                if not future.done():
                    future.set_result(vector)
        except Fault as broken:
            for _, future in batch:
                if not future.done():
                    future.set_exception(broken)
        finally:
            for _, future in batch:
                if not future.done():  # something else broke, or this was cancelled: nobody waits for ever
                    future.set_exception(fault("internal_error"))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length one."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


class _Scope:
    """The questions of one scope that this worker has read. Numbers of questions only grow."""

    __slots__ = ("expires", "gists", "keys", "last", "vectors")

    def __init__(self) -> None:
        self.last = 0
        self.keys: list[bytes] = []
        self.gists: list[Gist] = []
        self.expires: list[int] = []
        self.vectors: list[np.ndarray] = []

    def add(self, key: bytes, expires_ns: int, question: Question) -> None:
        vector = np.frombuffer(question.vector, dtype="<f4")
        self.keys.append(key)
        self.gists.append(gist(question.text))
        self.expires.append(expires_ns)
        self.vectors.append(vector)
        if len(self.keys) > _QUESTIONS:
            for column in (self.keys, self.gists, self.expires, self.vectors):
                del column[0]


class Meaning:
    """Looks for kept questions that mean the same. by: the name of the model that makes the vectors; those of another
    cannot be compared."""

    def __init__(self, disk: Disk, batching: Batching, by: str = "") -> None:
        self._disk = disk
        self._by = by
        self._batching = batching
        self._scopes: OrderedDict[bytes, _Scope] = OrderedDict()
        self._decode = msgspec.json.Decoder(Question).decode

    async def similar(self, tenant: str, scope: bytes, text: str, threshold: float, now_ns: int) -> Looked:
        """Kept questions from `threshold` on that pass the guard, the nearest first; and the vector, if it was
        made. Raises Fault when the embedder fails."""
        known = await self._known(tenant, scope, now_ns)
        wanted = gist(text)
        passed = [at for at, other in enumerate(known.gists) if known.expires[at] > now_ns and same_gist(wanted, other)]
        if not passed:
            return Looked((), None)
        vector = await self._batching.embed(text)
        fits = [at for at in passed if known.vectors[at].shape == vector.shape]
        if not fits:
            return Looked((), vector)
        cosines = np.stack([known.vectors[at] for at in fits]) @ vector
        nearest = sorted(zip(cosines.tolist(), fits, strict=True), reverse=True)
        return Looked(tuple(Similar(known.keys[at], c) for c, at in nearest if c >= threshold), vector)

    async def question(self, text: str, vector: np.ndarray | None) -> bytes:
        """A question as it is kept (JSON). Raises Fault."""
        made = await self._batching.embed(text) if vector is None else vector
        return msgspec.json.encode(Question(text, made.astype("<f4").tobytes(), self._by))

    def forget(self) -> None:
        """Read all questions anew."""
        self._scopes.clear()

    async def _known(self, tenant: str, scope: bytes, now_ns: int) -> _Scope:
        known = self._scopes.get(scope) or _Scope()
        for asked in await self._disk.questions(tenant, scope, known.last, now_ns):
            if asked.id > known.last:
                known.last = asked.id
                self._take_in(known, asked)
        self._scopes[scope] = known
        self._scopes.move_to_end(scope)
        if len(self._scopes) > _SCOPES:
            self._scopes.popitem(last=False)
        return known

    def _take_in(self, known: _Scope, asked: Asked) -> None:
        try:
            question = self._decode(asked.question)
            if question.by == self._by:
                known.add(asked.key, asked.expires_ns, question)
        except (msgspec.MsgspecError, ValueError):
            return  # written by another version


class Looked(msgspec.Struct, frozen=True):
    """What a search came to."""

    found: tuple[Similar, ...]
    vector: np.ndarray | None
