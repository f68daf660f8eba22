"""A scripted upstream that holds its answers back until it is told, so that turns are in flight for as long as a test needs
them to be, on any machine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import Behaviour, Script

HELD = "held"
BEFORE = 6  # events of a stream that come at once


class Holding(ScriptedApp):
    """The model `held`: nothing of a plain answer, and only the first events of a stream, until `let_go`. most: as many
    were in flight at once."""

    def __init__(self, script: Script | None = None) -> None:
        models = script.models if script else {}
        super().__init__(Script(models={HELD: Behaviour(), **models}))
        self.holding = True
        self.most = 0

    def hold(self) -> None:
        """From now on, again."""
        self.holding = True

    def let_go(self) -> None:
        """All that are held, and whoever comes later."""
        self.holding = False

    async def _play(self, exchange: Any, path: str, body: bytes, asked: Any, behaviour: Behaviour) -> None:
        self.most = max(self.most, self.stats.in_flight)
        if asked.model == HELD and not asked.stream:
            await self._held(exchange)
        await super()._play(exchange, path, body, asked, behaviour)

    async def _stream(self, exchange: Any, scene: Any, pieces: Iterator[bytes]) -> None:
        if scene.asked.model != HELD:
            return await super()._stream(exchange, scene, pieces)
        await exchange.start(200, "text/event-stream; charset=utf-8", {})
        for piece in islice(pieces, BEFORE):
            await exchange.send_body(piece)
        await self._held(exchange)
        for piece in pieces:
            await exchange.send_body(piece)
        await exchange.send_body(b"", more=False)

    async def _held(self, exchange: Any) -> None:
        while self.holding:
            await exchange.wait(0.02)
