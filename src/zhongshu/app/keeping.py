"""What a worker keeps for its callers beyond a turn: files, the batches that are made of them, and
turns that outlive their connection."""

from __future__ import annotations

from collections.abc import Callable

from zhongshu.api.anthropic.dialect import Messages
from zhongshu.api.endpoint import Load
from zhongshu.api.openai.batch_lines import BatchLines, Way
from zhongshu.api.openai.dialect import Chat, Completions, EmbeddingsOf
from zhongshu.api.openai.filing import Filing
from zhongshu.api.responses.dialect import Responses
from zhongshu.api.responses.memory import Memory
from zhongshu.api.surface import Kept, Remembering
from zhongshu.api.ws.relay import Relay
from zhongshu.api.ws.turns import LiveTurns
from zhongshu.app.settings import Settings
from zhongshu.batches.desk import BatchDesk
from zhongshu.batches.runner import BatchRunner
from zhongshu.core.clock import Clock
from zhongshu.files.shelf import FileShelf
from zhongshu.ledger.textkeys import TextKeys
from zhongshu.pipeline.stages import Rooms
from zhongshu.storage.database import Database


class Keeping:
    """Files, batches and turns of WebSockets of one worker. `settings` and `rooms` give those of now."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        state: Database,
        rooms: Callable[[], Rooms],
        load: Load,
        clock: Clock,
        remembering: Remembering,
        slot: str,
    ) -> None:
        home = settings().home
        self._load = load
        self._shelf = FileShelf(home / "files", state, TextKeys(home), lambda: settings().files, clock)
        lines = BatchLines(
            rooms,
            {
                "/v1/chat/completions": Way(Chat()),
                "/v1/completions": Way(Completions()),
                "/v1/embeddings": Way(EmbeddingsOf()),
                "/v1/responses": _responses(rooms, clock, remembering),
                "/v1/messages": Way(Messages()),
            },
            Filing(self._shelf),
        )
        desk = BatchDesk(state, self._shelf, lambda: lines.endpoints, clock)
        self._runner = BatchRunner(
            home / "batches", desk, self._shelf, lines, lambda: settings().batches, self._hold, clock
        )
        self._turns = LiveTurns(rooms, load, lambda: settings().websocket)
        self._relay = Relay(home / "run", slot, self._turns) if settings().server.workers > 1 else None
        self.kept = Kept(self._shelf, desk, self._runner.look, self._turns, self._relay)

    async def start(self) -> None:
        """Begin to run batches, and to hand turns over to other workers where there are any."""
        self._runner.start()
        if self._relay is not None:
            await self._relay.start()

    async def aclose(self) -> None:
        """Stop running batches, which another worker, or the next start, goes on with; end what WebSockets asked."""
        await self._runner.aclose()
        if self._relay is not None:
            await self._relay.aclose()
        await self._turns.aclose()

    def _hold(self, live: int) -> bool:
        """Whether this worker is wanted for itself: it ends, or has `live` turns in flight."""
        return self._load.draining or self._load.closed or self._load.in_flight >= live


def _responses(rooms: Callable[[], Rooms], clock: Clock, remembering: Remembering) -> Way:
    """Responses of a batch are stored, and go on from stored ones, as any others; none goes on in the background."""
    sessions, background = remembering
    return Way(Responses(clock, lambda: sessions.keeps), Memory(sessions, rooms, background))
