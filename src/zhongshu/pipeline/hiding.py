"""Thoughts that are not shown: what leaves has none of them, what is recorded, counted and charged has them all.

Whose they are hidden from is a setting: tenants, ids of keys, or "*" for everybody; and an assistant may hide its own from
all who ask it. An answer that is written without its thoughts loses the exact form it came in, and the proofs of
those thoughts: nobody can hand back what was not shown.
"""

from __future__ import annotations

import msgspec

from zhongshu.core.access import Caller
from zhongshu.core.answers import Answer, Event, ThoughtDelta
from zhongshu.pipeline.stages import Labelled, Rooms, Routed

EVERYBODY = "*"


def hides(rooms: Rooms, routed: Routed) -> bool:
    """Whether this turn's caller is shown no thoughts."""
    if routed.work is not None:
        assistant = routed.admitted.offers[0].assistant
        if assistant is not None and not assistant.show_thoughts:
            return True
    return bool(rooms.assume.thoughts_hidden_from) and hidden_from(rooms, routed.admitted.arrived.caller)


def hidden_from(rooms: Rooms, caller: Caller) -> bool:
    """Whether this caller is shown none, whoever is asked."""
    hidden = rooms.assume.thoughts_hidden_from
    return not hidden.isdisjoint((caller.tenant, caller.key_id, EVERYBODY))


def shown(labelled: Labelled) -> Labelled:
    """The answer as it leaves."""
    answered = labelled.answered
    answer = answered.answer
    if not isinstance(answer, Answer):
        return labelled
    choices = tuple([msgspec.structs.replace(choice, thought="", thoughts=()) for choice in answer.choices])
    bare = Answer(choices, answer.usage, answer.model)
    return msgspec.structs.replace(labelled, answered=msgspec.structs.replace(answered, answer=bare))


def shown_of(batch: tuple[Event, ...]) -> tuple[Event, ...]:
    """The events as they leave."""
    return tuple([_shown(event) for event in batch])


def _shown(event: Event) -> Event:
    return Event(tuple([delta for delta in event.deltas if not isinstance(delta, ThoughtDelta)]))
