"""POST /v1/moderations: what a moderation model says of texts and pictures."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from zhongshu.api.decoding import BodyDecoder
from zhongshu.api.endpoint import Asked, Incoming
from zhongshu.api.openai.handing import Handed, HandedAsked, json_turn
from zhongshu.api.openai.shapes import ImagePart, TextPart
from zhongshu.core.turns import Wishes


class ModerationRequest(msgspec.Struct, frozen=True):
    """POST /v1/moderations."""

    input: str | Annotated[list[str | TextPart | ImagePart], Meta(min_length=1, max_length=2048)]
    model: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    zhongshu: Wishes | None = None


decode = BodyDecoder(ModerationRequest)


class Moderations(Handed):
    """The moderation endpoint."""

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request."""
        asked = decode(incoming.body)
        given = [asked.input] if isinstance(asked.input, str) else asked.input
        texts = [item if isinstance(item, str) else item.text for item in given if not isinstance(item, ImagePart)]
        return HandedAsked(json_turn("moderation", incoming, asked.model, tuple(texts), asked.zhongshu))
