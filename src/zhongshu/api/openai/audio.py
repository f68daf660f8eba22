"""POST /v1/audio/speech, /transcriptions and /translations: text to sound, and sound to text."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zhongshu.api.decoding import BodyDecoder
from zhongshu.api.endpoint import Asked, Incoming
from zhongshu.api.openai.handing import Handed, HandedAsked, form_turn, json_turn
from zhongshu.core.turns import Wishes


class Voice(msgspec.Struct, frozen=True):
    """A voice of one's own."""

    id: str


class SpeechRequest(msgspec.Struct, frozen=True):
    """POST /v1/audio/speech."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    input: Annotated[str, Meta(min_length=1, max_length=100_000)]
    voice: Annotated[str, Meta(min_length=1, max_length=256)] | Voice | None = None
    instructions: str | None = None
    response_format: Annotated[str, Meta(min_length=1, max_length=32)] | None = None
    speed: Annotated[float, Meta(ge=0.25, le=4)] | None = None
    stream_format: Literal["sse", "audio"] | None = None
    zhongshu: Wishes | None = None


decode = BodyDecoder(SpeechRequest)


class Speech(Handed):
    """Text to sound. Its reply is always passed on as it comes."""

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request."""
        asked = decode(incoming.body)
        return HandedAsked(json_turn("speech", incoming, asked.model, (asked.input,), asked.zhongshu, stream=True))


class Transcriptions(Handed):
    """Sound to text in its own language."""

    def read(self, incoming: Incoming) -> Asked:
        """Decode a form."""
        return HandedAsked(form_turn("transcription", incoming, ("file",)))


class Translations(Handed):
    """Sound to English text."""

    def read(self, incoming: Incoming) -> Asked:
        """Decode a form."""
        return HandedAsked(form_turn("translation", incoming, ("file",)))
