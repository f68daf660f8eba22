"""How one upstream of OpenAI's format wants to be asked: facts alone, held by rows.py and the settings."""

from __future__ import annotations

from typing import Literal

import msgspec

from zhongshu.upstreams.openai.efforts import SCALE
from zhongshu.upstreams.openai.thinking import Thinking

Thoughts = Literal["field", "tags", "tags-open"]
Signs = Literal["any", "none", "google", "vertex", "details"]


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How one upstream wants to be asked, where it differs from OpenAI.

    thinking: how depth of thought is spelt (see effort_fields). efforts: its words, where words are taken. thought_back:
    earlier thoughts are handed back in `reasoning_content`. developer_role: knows "developer", else it is written
    "system". max_tokens: the field's name. stream_options: takes `include_usage`. top_k: takes that field. thoughts: where they are found in its answers: in a
    field of their own, between <think> tags at the beginning of the content, or there with the opening tag left out
    (a template that writes it into the prompt). signs: what it signs and wants back: nothing, calls ("google",
    "vertex": the name under which the signature stands), thoughts ("details": in reasoning_details), or not known
    ("any": what came so is passed on, and nothing is written). strict: refuses fields of a message it does not know.
    """

    thinking: Thinking = "none"
    efforts: tuple[str, ...] = SCALE
    thought_back: bool = False
    developer_role: bool = False
    max_tokens: str = "max_tokens"
    stream_options: bool = True
    top_k: bool = False
    thoughts: Thoughts = "field"
    signs: Signs = "any"
    strict: bool = False
