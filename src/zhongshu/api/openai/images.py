"""POST /v1/images/generations and /v1/images/edits: pictures from words, and from pictures and words."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from zhongshu.api.decoding import BodyDecoder
from zhongshu.api.endpoint import Asked, Incoming
from zhongshu.api.openai.handing import Handed, HandedAsked, form_turn, json_turn
from zhongshu.core.turns import Wishes


class ImageRequest(msgspec.Struct, frozen=True):
    """POST /v1/images/generations."""

    prompt: Annotated[str, Meta(min_length=1, max_length=100_000)]
    model: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    n: Annotated[int, Meta(ge=1, le=16)] | None = None
    size: Annotated[str, Meta(max_length=32)] | None = None
    stream: bool | None = None
    user: Annotated[str, Meta(max_length=512)] | None = None
    zhongshu: Wishes | None = None


decode = BodyDecoder(ImageRequest)


class Images(Handed):
    """Pictures from words."""

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request."""
        asked = decode(incoming.body)
        turn = json_turn(
            "image",
            incoming,
            asked.model,
            (asked.prompt,),
            asked.zhongshu,
            stream=asked.stream or False,
            user=asked.user,
        )
        return HandedAsked(turn)


class ImageEdits(Handed):
    """Pictures from pictures and words."""

    def read(self, incoming: Incoming) -> Asked:
        """Decode a form."""
        return HandedAsked(form_turn("image", incoming, ("image", "image[]")))
