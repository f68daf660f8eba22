"""What a turn reserves: the dearest of whoever may answer it, with all that they are asked."""

import msgspec
import pytest

from tests.pipeline.conftest import PRICE
from zhongshu.catalog.catalog import ModelCatalog
from zhongshu.core.models import ModelCard, Offer, Price, Release, Shape
from zhongshu.core.ports import Call
from zhongshu.pipeline.admit import admit
from zhongshu.pipeline.estimate import ask_of, tokens_of

PROMPT = "You answer in rhymes. 请用中文作答。" * 20


def offer(name, price=PRICE, *, version="1", shape=None, fallbacks=()):
    release = Release(model=name, version=version, upstream="fake", upstream_model=name, shape=shape)
    return Offer(release, ModelCard(name=name, price=price, fallbacks=fallbacks))


@pytest.mark.parametrize(
    ("shape", "kind", "more"),
    [
        (None, "chat", 0),
        (Shape(temperature=0.5), "chat", 0),
        (Shape(prompt=PROMPT), "chat", tokens_of(PROMPT) + 4),
        (Shape(prompt=PROMPT), "completion", 0),  # `shaped` puts it before conversations only
        (Shape(prompt=PROMPT), "embedding", 0),
    ],
)
def test_the_prompt_of_a_release_is_reserved_where_it_is_sent(path, shape, kind, more):
    turn = msgspec.structs.replace(path().arrived().turn, kind=kind)
    plain = ask_of(turn, (offer("m"),), 10)
    own = ask_of(turn, (offer("m"), offer("m", version="2", shape=shape)), 10)
    assert own.tokens - plain.tokens == more
    assert own.cost_nano - plain.cost_nano == more * 2_000
    asked = Call(turn, offer("m", shape=shape)).turn
    assert any(PROMPT in message.text() for message in asked.messages) == (more > 0)


def test_a_long_prompt_of_a_cheap_release_may_be_the_dearest(path):
    turn = path().arrived(sampling=msgspec.structs.replace(path().arrived().turn.sampling, max_tokens=1)).turn
    cheap = offer("m", Price(input=1.9), shape=Shape(prompt=PROMPT))
    dear = offer("m", Price(input=2), version="2")
    assert ask_of(turn, (cheap, dear), 10).cost_nano == ask_of(turn, (cheap,), 10).cost_nano


@pytest.mark.parametrize(
    ("fallbacks", "cost"),
    [
        ((), 201_000),
        (("dear",), 2_010_000),
        (("free", "dear"), 2_010_000),
        (("free",), 201_000),
        (("gone",), 201_000),
    ],
)
async def test_fallbacks_are_reserved_for_too(path, fallbacks, cost):
    way = path()
    flat = {"m": 1.0, "dear": 10.0, "free": 0.0}
    offers = [
        offer(name, Price(input=price, output=price), fallbacks=fallbacks if name == "m" else ())
        for name, price in flat.items()
    ]
    rooms = msgspec.structs.replace(way.rooms, catalog=ModelCatalog(offers))
    admitted = await admit(rooms, way.arrived())
    assert admitted.permit.ask.cost_nano == cost
    assert [found.card.name for found in admitted.offers] == ["m"], "nobody but the model itself is chosen by this"


async def test_a_fallback_with_a_prompt_of_its_own(path):
    way = path()
    offers = [offer("m", fallbacks=("shaped",)), offer("shaped", shape=Shape(prompt=PROMPT))]
    rooms = msgspec.structs.replace(way.rooms, catalog=ModelCatalog(offers))
    admitted = await admit(rooms, way.arrived())
    assert admitted.permit.ask.tokens == 101 + tokens_of(PROMPT) + 4 + 100
