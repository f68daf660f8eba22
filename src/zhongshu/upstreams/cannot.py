"""What a wire format cannot say, refused by name: nothing that changes an answer's meaning is dropped in silence."""

from __future__ import annotations

from zhongshu.core.ports import Call
from zhongshu.core.problems import Fault, Said, fault
from zhongshu.core.turns import Thought

SIGNED_ELSEWHERE = "messages.signature (another provider's)"

_REMEDY = Said("See GET /v1/models for models that can.", "支持的模型见 GET /v1/models。")


def cannot(call: Call, what: str | Said, param: str = "model", remedy: str | Said = _REMEDY) -> Fault:
    """The Fault model_cannot for this call. what: the thing in words; param: the field that asks for it."""
    return fault("model_cannot", param=param, model=call.turn.model, what=what, remedy=remedy)


def state_unread(call: Call) -> None:
    """State what came by another dialect and cannot be carried; refuse it where the answer would be another without.
    For an upstream that writes the request from our words. Raises Fault("model_cannot")."""
    wire = call.turn.wire
    if wire is None:
        return
    if wire.needed:
        field = wire.needed[0]
        raise cannot(call, Said(f"`{field}`", f"`{field}`"), param=field)
    unread = wire.unread()
    if unread:
        call.dropped = (*call.dropped, *unread)


def state(call: Call, *names: str) -> None:
    """State what the upstream cannot be told; each once, as a call may be read more than once."""
    for name in names:
        if name not in call.dropped:
            call.dropped = (*call.dropped, name)


def state_unproven(call: Call, thought: Thought) -> None:
    """State that an earlier thought is left out: nobody signed it, or another provider did."""
    state(call, "messages.thoughts (not signed)" if thought.signature is None else SIGNED_ELSEWHERE)
