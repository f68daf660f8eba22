"""A conversation of this dialect that is passed on: without the thoughts that the provider would refuse.

Those are thoughts that nobody signed, or that another provider signed, and what is kept beside another provider's
calls. All other blocks stay byte for byte.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.signatures import arriving, of_call, own
from zhongshu.core.turns import Thought
from zhongshu.upstreams.anthropic.thinking import reasoned_before
from zhongshu.upstreams.anthropic.traits import Traits
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE, state, state_unproven

_encode = msgspec.json.Encoder().encode
_messages = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_blocks = msgspec.json.Decoder(list[Raw]).decode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode


class _Block(msgspec.Struct):
    type: str = ""
    signature: str = ""
    data: str = ""


class _Switch(msgspec.Struct):
    type: str = ""


_block = msgspec.json.Decoder(_Block).decode
_switch = msgspec.json.Decoder(_Switch).decode


def without_foreign(call: Call, fields: dict[str, Any]) -> None:
    """Take them out of `fields`, and state it."""
    given: list[dict[str, Raw]] = _messages(fields["messages"])
    fields["messages"] = Raw(_encode([message for message in given if _kept(call, message)]))


def ask_no_thought(call: Call, fields: dict[str, Any], traits: Traits) -> None:
    """An older model that cannot think about the calls it is answering, as the thought that led to them is not there, is
    not asked to: it was another's, another made the calls, or the client was never shown it."""
    if traits.thinking != "budget" or not any(message.tool_calls for message in call.turn.messages):
        return
    if _switch(_encode(fields["thinking"])).type != "enabled":
        return
    if not reasoned_before([_said(message) for message in _messages(fields["messages"])]):
        state(call, "thinking")
        del fields["thinking"]


def _said(message: dict[str, Raw]) -> dict[str, Any]:
    """A message with its content as blocks; none of a text alone."""
    content = bytes(message["content"])
    blocks: list[Any] = msgspec.json.decode(content) if content.startswith(b"[") else []
    return {"role": msgspec.json.decode(message["role"]), "content": blocks}


def _kept(call: Call, message: dict[str, Raw]) -> bool:
    """Whether anything of the message is left; its content is replaced where blocks are taken out."""
    content = message.get("content", Raw(b""))
    if b'thinking"' not in bytes(content) or not bytes(content).startswith(b"["):
        return True
    blocks = _blocks(content)
    left = [said for block in blocks if (said := _of(call, block)) is not None]
    if left != blocks:
        message["content"] = Raw(_encode(left))
    return bool(left)


def _of(call: Call, block: Raw) -> Raw | None:
    if b'thinking"' not in bytes(block):
        return block
    said = _block(block)
    if said.type not in ("thinking", "redacted_thinking"):
        return block
    if of_call(said.data) is not None:
        state(call, SIGNED_ELSEWHERE)
        return None
    name = "signature" if said.type == "thinking" else "data"
    signature = arriving(said.signature or said.data, "anthropic")
    proof = own(signature, "anthropic")
    if proof is None:
        state_unproven(call, Thought("", signature))
        return None
    return block if proof in (said.signature, said.data) else Raw(_encode(_fields(block) | {name: Raw(_encode(proof))}))
