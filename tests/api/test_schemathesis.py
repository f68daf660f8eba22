"""Bad input for every field of every address, drawn from our own OpenAPI document: no 5xx, no stack trace, and every
reply as documented. The real surface and administration run over ASGI; only the upstream and the gate are in memory."""

import asyncio
from types import SimpleNamespace

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.api.admin.conftest import Desk
from tests.api.conftest import House, whole
from zhongshu.access.fake import FakeGate
from zhongshu.access.refusals import INVALID
from zhongshu.api.admin.application import admin_application
from zhongshu.api.endpoint import Load
from zhongshu.api.openapi import document
from zhongshu.api.surface import Kept
from zhongshu.api.ws.settings import WebSocketSettings
from zhongshu.api.ws.turns import LiveTurns
from zhongshu.batches.desk import BatchDesk
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.clock import SystemClock
from zhongshu.files.settings import FileSettings
from zhongshu.files.shelf import FileShelf
from zhongshu.ledger.textkeys import TextKeys
from zhongshu.storage.database import open_database
from zhongshu.upstreams.memory import Reply

ABILITIES = (
    "chat",
    "completion",
    "embedding",
    "rerank",
    "moderation",
    "speech",
    "transcription",
    "translation",
    "image",
)
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
VECTOR = {"object": "embedding", "index": 0, "embedding": [1.0]}
EMBEDDED = {"object": "list", "data": [VECTOR], "model": "served", "usage": USAGE}
CHOICE = {"index": 0, "text": "x", "finish_reason": "stop", "logprobs": None}
COMPLETED = {
    "id": "c",
    "object": "text_completion",
    "created": 1,
    "model": "served",
    "choices": [CHOICE],
    "usage": USAGE,
}


def well_behaved(request):
    """What an upstream says to each endpoint."""
    if request.path.endswith("/speech"):
        return Reply(headers={"content-type": "audio/mpeg"}, chunks=(b"sound",))
    if any(word in request.path for word in ("rerank", "moderations", "audio", "images")):
        return whole({"usage": USAGE})
    if "embeddings" in request.path:
        return whole(EMBEDDED)
    return whole() if "chat" in request.path else whole(COMPLETED)


async def with_turns(home):
    desk = Desk(home)
    for _ in range(3):
        await desk.write()
    await desk.journal.aclose()
    return desk


class OneKey(FakeGate):
    """Knows a single key."""

    async def identify(self, credential):
        return self.caller if credential == b"zs_test" else INVALID


class Surface:
    """What is tested, once the fixture has opened it: addresses are known when tests are collected."""

    app = None
    asked = 0

    async def __call__(self, scope, receive, send):
        self.asked += 1
        await self.app(scope, receive, send)


surface = Surface()
described = admin_application(SimpleNamespace(max_body_bytes=1_000_000)).openapi()
schema = schemathesis.openapi.from_dict(document(described))
schema.app = surface
schema.config.update(headers={"Authorization": "Bearer zs_test"})
# A field over its bound may be a body over the surface's own, which is refused before it is read (413).
rejects = schema.config.checks.negative_data_rejection
rejects.expected_statuses = [*rejects.expected_statuses, "413"]
# Rules between fields (a tool that is chosen must be sent, a cursor must be ours) have no words in JSON Schema.
UNSAYABLE = [positive_data_acceptance]
OPERATIONS = {operation.label: operation for operation in (found.ok() for found in schema.get_all_operations())}


@pytest.fixture(scope="module", autouse=True)
def _open(tmp_path_factory):
    desk = asyncio.run(with_turns(tmp_path_factory.mktemp("surface") / "home"))
    home = tmp_path_factory.mktemp("kept")
    state = open_database(home / "state.db")
    shelf = FileShelf(home / "files", state, TextKeys(home), FileSettings, SystemClock())
    batches = BatchDesk(state, shelf, lambda: ("/v1/chat/completions",), SystemClock())
    kept = Kept(shelf, batches, lambda: None, LiveTurns(lambda: None, Load(), WebSocketSettings))
    models = [ModelSettings(name="all", upstream="up", tier="general", abilities=ABILITIES)]
    surface.app = House(well_behaved, gate=OneKey(), rest=desk.application(gate=OneKey()), kept=kept, models=models).app
    yield
    print(f"{surface.asked} requests")
    desk.access.close()
    state.close()


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def holds(case):
    response = case.call_and_validate(excluded_checks=UNSAYABLE)
    assert b"Traceback" not in response.content


@pytest.mark.parametrize("address", OPERATIONS)
def test_every_address_takes_anything(address):
    """Its cases, hundreds at some addresses, are made here: what `schema.parametrize` makes is made when tests are
    collected, in every process that runs some."""
    load_all_checks()
    build_operation_test(
        config=schema.config,
        operation=OPERATIONS[address],
        test_func=holds,
        given_kwargs={},
        feedback=FeedbackSources(),
    )()
