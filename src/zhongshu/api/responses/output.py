"""Output items, written from our words: a reasoning item for each thought, one message, a function_call for each call.

A thought that its provider signed travels in `encrypted_content`; where the caller asked for summaries it is written as
one, else as the item's own text. Item ids name the turn and the item's place.
"""

from __future__ import annotations

from typing import Any

from zhongshu.core.answers import Choice
from zhongshu.core.signatures import leaving
from zhongshu.core.turns import Thought

Item = dict[str, Any]


def output_of(choice: Choice, trace: str, *, summarised: bool) -> list[Item]:
    """The items of a whole answer."""
    status = "incomplete" if choice.stop in ("length", "content_filter") else "completed"
    items: list[Item] = []
    for block in choice.blocks():
        items.append(reasoning(item_id("rs", trace, len(items)), block, summarised=summarised))
    content: list[Item] = []
    if choice.text:
        content.append(text_part(choice.text, list(choice.logprobs or ())))
    if choice.refusal:
        content.append(refusal_part(choice.refusal))
    if content or not (items or choice.tool_calls):
        content = content or [text_part("", [])]
        items.append(message(item_id("msg", trace, len(items)), content, status))
    for call in choice.tool_calls:
        made = function_call(item_id("fc", trace, len(items)), call.id, call.name, call.arguments, "completed")
        items.append(made | proof_of(call.signature))
    return items


def item_id(prefix: str, trace: str, place: int) -> str:
    """Such as msg_0199...f300."""
    return f"{prefix}_{trace}{place:02x}"


def reasoning(id: str, block: Thought, *, summarised: bool, status: str = "completed") -> Item:
    """A reasoning item. encrypted_content is there only where the provider signed the thought."""
    item: Item = {"id": id, "type": "reasoning", "status": status, "summary": [], "content": []}
    if block.text:
        field, kind = ("summary", "summary_text") if summarised else ("content", "reasoning_text")
        item[field] = [{"type": kind, "text": block.text}]
    if block.signature is not None:
        item["encrypted_content"] = leaving(block.signature, "responses")
    return item


def proof_of(signature: str | None) -> Item:
    """What a signed call has beside its own fields. Only Google signs calls."""
    return {"thought_signature": leaving(signature, "gemini")} if signature else {}


def message(id: str, content: list[Item], status: str) -> Item:
    """What the model says."""
    return {"id": id, "type": "message", "status": status, "role": "assistant", "content": content}


def text_part(text: str, logprobs: list[Any]) -> Item:
    """Words."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def refusal_part(text: str) -> Item:
    """Words of refusal."""
    return {"type": "refusal", "refusal": text}


def function_call(id: str, call_id: str, name: str, arguments: str, status: str) -> Item:
    """A call the model makes."""
    return {
        "id": id, "type": "function_call", "status": status, "call_id": call_id, "name": name, "arguments": arguments,
    }  # fmt: skip
