"""An answer cache over a real file, and a pipeline with it in its place."""

import msgspec
import pytest

from tests.pipeline.conftest import Path as Pipeline
from zhongshu.caches.cache import AnswerCache
from zhongshu.caches.rules import Rule, Rules
from zhongshu.caches.settings import CacheSettings
from zhongshu.core.clock import SystemClock
from zhongshu.core.turns import Message, Sampling
from zhongshu.ledger.textkeys import TextKeys
from zhongshu.pipeline.answer import answer
from zhongshu.pipeline.answer import stream as begin_stream
from zhongshu.upstreams.fake import FakeModel

EXACT = Rule("exact", True, 3600.0, 0.93)
SEMANTIC = Rule("semantic", True, 3600.0, 0.93)


def opened(home, rule=EXACT, embedder=None, clock=None, policy="", **settings):
    """A cache in `home` where every model goes by `rule`. It waits for vectors for as long as a slow machine needs."""
    settings.setdefault("embed_wait_s", 60.0)
    if "embedder_name" in settings:
        settings["embedder"] = settings.pop("embedder_name")
    rules = Rules(CacheSettings(**settings), {"m": rule} if rule else {})
    cache = AnswerCache(home, rules, TextKeys(home), clock or SystemClock())
    cache.use(rules, policy, embedder)
    return cache


class Cached(Pipeline):
    """A pipeline with a cache: `ask` is one turn, and says how it was answered."""

    def __init__(self, cache, **of_model):
        labels = {name: of_model.pop(name) for name in ("text", "words") if name in of_model}
        super().__init__(FakeModel("fake", **of_model), **labels)
        self.cache = cache
        self.rooms = msgspec.structs.replace(self.rooms, cache=cache)

    async def ask(self, text="hello there", *, tenant="acme", headers=None, stream=False, **fields):
        """One turn, whole or streamed; the record it left."""
        fields.setdefault("sampling", Sampling(temperature=0.0))
        messages = fields.pop("messages", (Message("user", text),))
        arrived = self.arrived(stream=stream, **fields)
        arrived = msgspec.structs.replace(arrived, turn=msgspec.structs.replace(arrived.turn, messages=messages))
        caller = msgspec.structs.replace(arrived.caller, tenant=tenant)
        arrived = msgspec.structs.replace(arrived, caller=caller, headers=headers or {})
        if stream:
            self.batches = [batch async for batch in (await begin_stream(self.rooms, arrived)).batches()]
        else:
            await answer(self.rooms, arrived)
        return self.journal.records[-1]


@pytest.fixture
def home(tmp_path):
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.fixture
async def caches(home):
    """Opens caches, and closes them."""
    made = []

    def open_one(*args, **given):
        made.append(opened(given.pop("at", home), *args, **given))
        return made[-1]

    yield open_one
    for cache in made:
        await cache.aclose()
