"""A pipeline over the rooms' own twins: FakeModel answers, FakeGate lets in, FakeJournal keeps."""

import pytest

from zhongshu.access.fake import SOMEBODY, FakeGate
from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.releases import TrafficPlans
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.clock import FakeClock
from zhongshu.core.models import Price
from zhongshu.core.turns import Message, Turn
from zhongshu.ledger.fake import FakeJournal
from zhongshu.ledger.metrics import Metrics
from zhongshu.pipeline.stages import Arrived, Assumptions, Rooms
from zhongshu.router.decision import Decider
from zhongshu.safety.label import AiLabeller
from zhongshu.safety.settings import LabelSettings
from zhongshu.upstreams.dispatch.dispatcher import UpstreamDispatcher
from zhongshu.upstreams.fake import FakeModel

PRICE = Price(input=2, output=8)


class Path:
    """The rooms a test looks into, and a turn through them."""

    def __init__(self, model, **settings):
        self.model = model
        self.gate = FakeGate()
        self.journal = FakeJournal()
        self.clock = FakeClock()
        row = ModelSettings(name="m", upstream="fake", price=PRICE)
        self.rooms = Rooms(
            gate=self.gate,
            catalog=ModelCatalog([offer_of(row), offer_of(ModelSettings(name="lost", upstream="nowhere"))]),
            router=Decider(),
            dispatcher=UpstreamDispatcher({"fake": model}, self.clock),
            releases=TrafficPlans(),
            labeller=AiLabeller(LabelSettings(**settings)),
            journal=self.journal,
            observer=Metrics(),
            clock=self.clock,
            assume=Assumptions(completion_tokens=100, settings="s1"),
        )

    def arrived(self, text="hello there", model="m", before=(), **fields):
        messages = (*before, Message("user", text))
        turn = Turn("t" * 32, 5, "chat", "openai.chat", model, messages=messages, body_bytes=400, **fields)
        return Arrived(turn, SOMEBODY, self.clock.steady_ns(), b'{"x":1}', "127.0.0.1", "me")


@pytest.fixture
def path():
    return lambda **of_model: Path(FakeModel("fake", **of_model))
