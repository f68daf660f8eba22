"""The two ways that a turn can be answered, by a general and by a reasoning model (or with and without thought): which of
them an answered turn has taken, and how the others would be asked. Asks nobody itself.

`auto` takes one of the two. An assistant may have asked both models, or have made an answer of its own out of several.
"""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from zhongshu.core.answers import Answer
from zhongshu.core.labels import TextMark
from zhongshu.core.models import AUTO, Offer, Route
from zhongshu.core.turns import Effort, Turn
from zhongshu.pipeline.estimate import ask_of
from zhongshu.pipeline.stages import Ended, Rooms, Routed, Work
from zhongshu.pipeline.strategies.calls import judge_of
from zhongshu.router.estimate import question_of

By = Literal["general", "reasoning"]
_BOTH: tuple[By, By] = ("general", "reasoning")
_WHY = "The other way to answer, unseen, for comparison.", "暗中以另一方式作答，以供对比。"


class Known(msgspec.Struct, frozen=True):
    """An answer that there is. nano: what it cost, at home."""

    text: str
    nano: int


class Missing(msgspec.Struct, frozen=True):
    """An answer that is still to be asked for."""

    by: By
    turn: Turn
    route: Route


class Ways(msgspec.Struct, frozen=True):
    """asked: "auto", or the assistant. stood: whose answer was given; "" for an assistant's own, whose text is `own`.
    gain: what deep thought was expected to add; task: the kind of it. question: the text that answers are judged by."""

    asked: str
    stood: By | Literal[""]
    own: str
    known: dict[By, Known]
    missing: tuple[Missing, ...]
    gain: float
    task: str
    question: str

    @property
    def went(self) -> bool:
        """Whether the reasoning model had the last word, or a part in it."""
        return self.stood != "general"

    def most_nano(self, rooms: Rooms) -> int:
        """What asking for the missing ones may come to at most, at home, as a turn's own reservation reckons it."""
        return sum(self._most(one, rooms) for one in self.missing)

    def _most(self, one: Missing, rooms: Rooms) -> int:
        return ask_of(one.turn, (one.route.offer,), rooms.assume.completion_tokens, rooms.exchange).cost_nano


def ways_of(rooms: Rooms, routed: Routed, answer: Answer, ended: Ended) -> Ways | None:
    """The ways of an answered turn; None where there were not two, or another model answered in the chosen one's place."""
    if routed.work is not None:
        return _of_assistant(rooms, routed, routed.work, answer)
    other = routed.route.other
    if other is None or routed.asking.offer.card.name != routed.route.offer.card.name:
        return None
    turn, offer = routed.asking.turn, routed.asking.offer
    mine, theirs = _BOTH if not other.went else _BOTH[::-1]
    text = said(answer, rooms.labeller.words_for(turn))
    route = Route(other.offer, other.effort, "sample", *_WHY, routed.route.dial)
    question, _ = question_of(turn)
    return Ways(
        asked=AUTO,
        stood=mine,
        own=text,
        known={mine: Known(text, at_home(rooms, offer, ended.cost_nano, turn))},
        missing=(Missing(theirs, turn, route),),
        gain=other.gain,
        task=other.task,
        question=question,
    )


def _of_assistant(rooms: Rooms, routed: Routed, work: Work, answer: Answer) -> Ways | None:
    turn, assistant = routed.asking.turn, routed.admitted.offers[0].assistant
    judge = judge_of(rooms, assistant) if assistant is not None else None
    known: dict[By, Known] = {}
    missing: list[Missing] = []
    for by in _BOTH:
        asking = work.asking_alone(by)
        if asking is None:
            return None
        there = work.plain.get(by)
        if there is not None and there.offer.card.name != asking.offer.card.name:
            return None
        if there is None:
            route = Route(asking.offer, cast("Effort | None", asking.effort), "sample", *_WHY, routed.route.dial)
            missing.append(Missing(by, asking.turn, route))
        else:
            known[by] = Known(said(there.answer, None), at_home(rooms, there.offer, there.cost_nano, turn))
    question, _ = question_of(turn)
    found = judge.question(question) if judge is not None else None
    return Ways(
        asked=turn.model,
        stood=cast("By", work.stood),
        own=said(answer, rooms.labeller.words_for(turn)),
        known=known,
        missing=tuple(missing),
        gain=found.score if found is not None else 0.0,
        task=found.head if found is not None else "",
        question=question,
    )


def said(answer: Answer, mark: TextMark | None) -> str:
    """What an answer says, without the label's words; calls of tools by name and arguments."""
    choice = answer.choices[0]
    text = choice.text
    if mark is not None:
        text = text.removeprefix(mark.start).removesuffix(mark.end)
    return text + "".join(f"\n{call.name} {call.arguments}" for call in choice.tool_calls)


def at_home(rooms: Rooms, offer: Offer, nano: int, turn: Turn) -> int:
    """An amount of an offer's price in the currency of budgets."""
    exchange = rooms.exchange
    return nano if exchange is None else exchange.to_home(nano, offer.card.price.currency, turn.arrived_ns)
