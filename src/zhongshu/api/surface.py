"""Every address of the HTTP surface, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from zhongshu.api.anthropic.asking import refuse as refuse_anthropic
from zhongshu.api.anthropic.batches import PREFIX as MESSAGE_BATCHES
from zhongshu.api.anthropic.batches import message_batches
from zhongshu.api.anthropic.door import count_tokens_endpoint, messages_endpoint
from zhongshu.api.anthropic.models import AnthropicModels
from zhongshu.api.asgi import App
from zhongshu.api.counting import Count
from zhongshu.api.endpoint import Bounds, Endpoint, Load
from zhongshu.api.gemini.asking import refuse as refuse_gemini
from zhongshu.api.gemini.door import GeminiDoor, SharedModels
from zhongshu.api.health import Health, Metrics, Probe
from zhongshu.api.not_served import addresses
from zhongshu.api.openai.audio import Speech, Transcriptions, Translations
from zhongshu.api.openai.batches import batches_resource
from zhongshu.api.openai.dialect import Chat, Completions, EmbeddingsOf
from zhongshu.api.openai.errors import send_problem
from zhongshu.api.openai.files import files_resource
from zhongshu.api.openai.filing import Filing
from zhongshu.api.openai.images import ImageEdits, Images
from zhongshu.api.openai.models import Models
from zhongshu.api.openai.moderations import Moderations
from zhongshu.api.openai.rerank import Rerank
from zhongshu.api.responses.background import Background
from zhongshu.api.responses.dialect import Responses
from zhongshu.api.responses.memory import Memory
from zhongshu.api.responses.stored import PREFIX, stored_responses
from zhongshu.api.rest.ask import Question
from zhongshu.api.router import ANY, At, Router
from zhongshu.api.ws.connection import WebSocket
from zhongshu.api.ws.relay import Relay
from zhongshu.api.ws.turns import LiveTurns
from zhongshu.batches.desk import BatchDesk
from zhongshu.files.shelf import FileShelf
from zhongshu.pipeline.stages import Rooms
from zhongshu.sessions.sessions import Sessions

_HANDED_ON = {
    "/v1/rerank": Rerank,
    "/v2/rerank": Rerank,
    "/rerank": Rerank,
    "/v1/moderations": Moderations,
    "/v1/audio/speech": Speech,
    "/v1/audio/transcriptions": Transcriptions,
    "/v1/audio/translations": Translations,
    "/v1/images/generations": Images,
    "/v1/images/edits": ImageEdits,
    "/v1/ask": Question,
}


class Kept(NamedTuple):
    """What is kept for callers beyond a turn, or a connection. look: tells this worker's runner that a batch is new."""

    files: FileShelf
    batches: BatchDesk
    look: Callable[[], None]
    sockets: LiveTurns
    relay: Relay | None = None


def _kept_at(end: str, kept: Kept, rooms: Callable[[], Rooms], bounds: Bounds) -> dict[str, At]:
    """Files and batches, themselves (`end` empty) and what is under them ("/")."""
    return {
        f"/v1/files{end}": At(ANY, files_resource(kept.files, rooms)),
        f"/v1/batches{end}": At(ANY, batches_resource(kept.batches, rooms, kept.look)),
        f"{MESSAGE_BATCHES}{end}": At(
            ANY, message_batches(kept.batches, kept.files, rooms, kept.look, bounds.max_body_bytes)
        ),
    }


class Remembering(NamedTuple):
    """What a stateful protocol needs: where turns are remembered, and those that go on without their client."""

    sessions: Sessions
    background: Background


def _responses(
    rooms: Callable[[], Rooms], bounds: Bounds, load: Load, remembering: Remembering | None
) -> dict[str, At]:
    """/v1/responses, and what is stored under it."""
    sessions = remembering.sessions if remembering else None
    background = remembering.background if remembering else Background(None, rooms, load)
    dialect = Responses(rooms().clock, lambda: sessions is not None and sessions.keeps)
    memory = Memory(sessions, rooms, background)
    return {
        PREFIX.rstrip("/"): At("POST", Endpoint(dialect, rooms, bounds, load, memory)),
        PREFIX: At(ANY, stored_responses(sessions, rooms, background)),
    }


def surface(
    rooms: Callable[[], Rooms],
    bounds: Bounds,
    load: Load,
    probes: Callable[[], Mapping[str, Probe]],
    render_metrics: Callable[[], bytes],
    rest: App,
    kept: Kept | None = None,
    count: Count | None = None,
    remembering: Remembering | None = None,
) -> Router:
    """The application of one worker. `rest` answers what is not in the table (administration, documentation). kept:
    files and batches, where they are. count: counts a prompt's tokens where its model lives."""
    health = Health(probes, load)
    files = Filing(kept.files) if kept else None
    responses = _responses(rooms, bounds, load, remembering)
    gemini_door = GeminiDoor(rooms, bounds, load, count)
    gemini = At(ANY, gemini_door)
    models = At(ANY, AnthropicModels(rooms, SharedModels(gemini_door, Models(rooms))))
    return Router(
        exact={
            "/v1/chat/completions": At("POST", Endpoint(Chat(), rooms, bounds, load, files=files)),
            "/v1/completions": At("POST", Endpoint(Completions(), rooms, bounds, load)),
            "/v1/embeddings": At("POST", Endpoint(EmbeddingsOf(), rooms, bounds, load)),
            "/v1/responses": responses["/v1/responses"],
            **{path: At("POST", Endpoint(of(), rooms, bounds, load)) for path, of in _HANDED_ON.items()},
            "/v1/models": models,
            "/v1beta/models": gemini,
            "/v1/messages": At("POST", messages_endpoint(rooms, bounds, load)),
            "/v1/messages/count_tokens": At("POST", count_tokens_endpoint(rooms, bounds, count)),
            **(_kept_at("", kept, rooms, bounds) if kept else {}),
            "/healthz": At("GET", health),
            "/readyz": At("GET", health),
            "/metrics": At("GET", Metrics(render_metrics, rooms)),
        },
        prefixed={
            "/v1/models/": models,
            "/v1beta/models/": gemini,
            PREFIX: responses[PREFIX],
            **(_kept_at("/", kept, rooms, bounds) if kept else {}),
            **addresses(send_problem, refuse_anthropic, refuse_gemini),
        },
        rest=rest,
        sockets={"/v1/ws": WebSocket(kept.sockets, rooms, load, bounds.max_in_flight, files, kept.relay)}
        if kept
        else {},
    )
