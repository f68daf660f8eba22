"""What is set aside for an assistant's turn: never less than its calls may come to, each at its longest."""

import msgspec
import pytest

from tests.pipeline.strategies.conftest import CHEAP, DEAR, Pair, Saying
from zhongshu.catalog.catalog import ModelCatalog
from zhongshu.core.answers import Event, StopDelta, TextDelta, Usage, UsageDelta
from zhongshu.core.models import Shape
from zhongshu.core.turns import Format, Message, Sampling, Tool
from zhongshu.pipeline.answer import answer
from zhongshu.pipeline.estimate import tokens_of

ASSUMED = 100  # tests.pipeline.conftest
SUM = "A shop sells 12 boxes of 7 pens each and 9 pens are broken. How many pens are left in total?"
CHOICE = "Which is a fruit?\nA. a stone\nB. an apple\nC. a chair\nD. a spoon"
LETTER = "Write a short letter to my landlord about the heating."
EARLIER = (Message("user", "hello"), Message("assistant", "How can I help?"))
CAPITAL = "What is the capital of France?"
TOLD = (Message("user", SUM.partition(" How")[0]), Message("assistant", "Noted."))
BAD = '{{"defects": ["{}"]}}'


class Spending(Saying):
    """Writes as much as it is allowed: a line that it is given, filled up at "{}" or at its end; a blank one with blanks."""

    async def _events(self, call):
        limit = call.turn.sampling.max_tokens or ASSUMED
        line = self.says if "{}" in self.says else f"{self.says}{{}}"
        room = max(0, limit * 4 - 4 - len(line.format("")))
        filling = " abc" if line.format("").strip() else "    "
        text = line.format((filling * (room // 4 + 1))[:room])
        read = sum(tokens_of(message.text()) + 4 for message in call.turn.messages)
        yield Event((TextDelta(0, text), StopDelta(0, "stop")))
        yield Event((UsageDelta(Usage(prompt=read, completion=max(limit, tokens_of(text)))),))


WAYS = {
    "cascade": ("cascade", SUM, (), ("74",), ("75",), ["draft", "escalate"]),
    "first, phrased": ("front-back", LETTER, (), ("Dear",), ("Dear",), ["solve", "phrase"]),
    "first, phrasing lost": ("front-back", SUM, (), ("It is 74",), ("It is 75",), ["solve", "phrase"]),
    "first, no solution": ("front-back", SUM, (), ("It is 74",), (" ",), ["solve", "phrase"]),
    "later, task written": (
        "front-back", SUM, EARLIER, ("12 7 9", "It is 74"), ("It is 75",), ["rewrite", "solve", "phrase"],
    ),
    "later, task lacking": ("front-back", SUM, EARLIER, ("12", "It is 74"), ("It is 75",), ["rewrite", "solve", "phrase"]),
    "result": ("draft-check", CHOICE, (), ("Answer: A.",), ("Answer: B.", "Answer: C."), ["draft", "solve", "solve"]),
    "sum": ("draft-check", SUM, (), ("It is 74",), ("It is 75",), ["draft", "solve"]),
    "told earlier": ("draft-check", "How many are left?", TOLD, ("It is 74",), ("It is 75",), ["draft", "solve"]),
    "result after all": (
        "draft-check", CAPITAL, (), (" ",), ("Paris", "Lyon"), ["draft", "solve"],
    ),
    "text, accepted": ("draft-check", LETTER, (), ("Hi",), ('{{"defects": []}}',), ["draft", "check"]),
    "text, never done": (
        "draft-check", LETTER, (), ("Hi",), (BAD, BAD, "Dear"), ["draft", "check", "repair", "check", "repair"],
    ),
}  # fmt: skip


def sized(arrived):
    """The turn with the size that its request would have."""
    size = len(msgspec.json.encode(arrived.turn.messages))
    return msgspec.structs.replace(arrived, turn=msgspec.structs.replace(arrived.turn, body_bytes=size))


@pytest.mark.parametrize("prompt", ["", "You answer customers of a small shop. " * 20])
@pytest.mark.parametrize("most", [None, 5, 300, 4000])
@pytest.mark.parametrize("way", WAYS)
async def test_no_way_of_a_strategy_comes_to_more_than_was_set_aside(way, most, prompt):
    strategy, text, before, general, reasoning, whys = WAYS[way]
    models = Spending("g", *general), Spending("r", *reasoning)
    pair = Pair(*models, strategy, 0.9, "switch", effort="low", prompt=prompt)
    arrived = sized(pair.arrived(text, model="a", before=before, sampling=Sampling(max_tokens=most)))
    await answer(pair.rooms, arrived)
    (record,), (permit,) = pair.journal.records, pair.gate.permits
    assert pair.whys == whys
    assert record.usage.completion >= (most or ASSUMED) * len(whys), "each call was as long as it may be"
    assert permit.ask.tokens >= record.usage.total
    assert permit.ask.cost_nano >= record.cost_nano


@pytest.mark.parametrize(
    ("fields", "calls"),
    [
        ({}, [(DEAR, 101, ASSUMED), (CHEAP, 601, ASSUMED)]),
        ({"before": EARLIER}, [(CHEAP, 501, ASSUMED), (DEAR, 101, ASSUMED), (CHEAP, 601, ASSUMED)]),
        ({"tools": (Tool("clock"),)}, [(CHEAP, 101, ASSUMED)]),
        ({"before": (Message("tool", "noon", tool_call_id="c"),)}, [(CHEAP, 101, ASSUMED)]),
        ({"sampling": Sampling(max_tokens=5)}, [(DEAR, 101, 1024), (CHEAP, 1525, 5)]),
    ],
    ids=["first", "later", "tools", "a tool's result", "few tokens"],
)
async def test_no_call_is_set_aside_that_the_turn_cannot_take(fields, calls):
    pair = Pair(Saying("g", "5"), Saying("r", "5"), "front-back")
    await pair.asked(text=SUM, **fields)
    (permit,) = pair.gate.permits
    assert permit.ask.cost_nano == sum(price.most_nano(read, written) for price, read, written in calls)
    assert permit.ask.tokens == sum(read + written for _, read, written in calls)


@pytest.mark.parametrize(
    ("text", "rounds", "fields", "calls"),
    [
        (SUM, 2, {}, [(CHEAP, 101, ASSUMED), (DEAR, 101, ASSUMED)]),
        (CHOICE, 2, {}, [(CHEAP, 101, ASSUMED), (DEAR, 101, ASSUMED), (DEAR, 101, ASSUMED)]),
        (CHOICE, 1, {}, [(CHEAP, 101, ASSUMED), (DEAR, 101, ASSUMED)]),
        (CAPITAL, 1, {"format": Format("json")}, [(CHEAP, 101, ASSUMED), (DEAR, 101, ASSUMED)]),
        (LETTER, 1, {}, [(CHEAP, 101, ASSUMED), (DEAR, 601, ASSUMED), (DEAR, 701, ASSUMED)]),
        (CAPITAL, 1, {}, [(CHEAP, 101, ASSUMED), (DEAR, 601, ASSUMED), (DEAR, 701, ASSUMED)]),
    ],
)
async def test_what_is_known_to_have_a_result_is_not_set_aside_as_a_text(text, rounds, fields, calls):
    pair = Pair(Saying("g", "B"), Saying("r", "B"), "draft-check", rounds=rounds)
    await pair.asked(text=text, **fields)
    (permit,) = pair.gate.permits
    assert permit.ask.cost_nano == sum(price.most_nano(read, written) for price, read, written in calls)
    assert permit.ask.tokens == sum(read + written for _, read, written in calls)


async def test_the_prompt_of_a_release_of_its_own_is_set_aside_too():
    pair = Pair(Saying("g", "5"), Saying("r", "5"), "cascade", 0.1)
    await pair.asked()
    plain = pair.gate.permits[0].ask
    prompt = "You never say more than one word. " * 10
    shaped = [
        msgspec.structs.replace(o, release=msgspec.structs.replace(o.release, shape=Shape(prompt=prompt)))
        for o in (*pair.rooms.catalog.find("g"), *pair.rooms.catalog.find("r"))
    ]
    assistant = pair.rooms.catalog.find("a")[0].assistant
    pair.rooms = msgspec.structs.replace(pair.rooms, catalog=ModelCatalog(shaped, (assistant,)))
    await pair.asked()
    more = tokens_of(prompt) + 4
    assert pair.gate.permits[1].ask.tokens == plain.tokens + 2 * more
    assert pair.gate.permits[1].ask.cost_nano == plain.cost_nano + sum(p.most_nano(more, 0) for p in (CHEAP, DEAR))
