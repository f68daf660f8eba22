"""JSON bodies of any protocol's endpoint, decoded by its shapes; what is wrong with one becomes a Fault that names the field."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from msgspec import Raw

from zhongshu.api.openai.unusable import in_both, unusable
from zhongshu.core.problems import Said, fault

R = TypeVar("R")

_DEEPEST = 200

fields_of = msgspec.json.Decoder(dict[str, Raw]).decode
"""Each top-level field's exact JSON. The body must have been decoded by a BodyDecoder before."""


class BodyDecoder(Generic[R]):
    """Decodes one endpoint's bodies; raises the Fault that names the field and what is wrong with it."""

    def __init__(self, kind: type[R]) -> None:
        self._kind = kind
        self._decode = msgspec.json.Decoder(kind).decode

    def __call__(self, body: bytes) -> R:
        try:
            return self._decode(body)
        except msgspec.ValidationError as error:
            raise unusable(self._kind, str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise fault("invalid_json", why=_plain(str(error))) from None
        except RecursionError:
            why = Said(f"it is nested deeper than {_DEEPEST} levels", f"嵌套超过 {_DEEPEST} 层")
            raise fault("invalid_json", why=why) from None


def _plain(text: str) -> Said:
    if "utf-8" in text.lower():
        return Said("it is not UTF-8", "编码不是 UTF-8")
    return in_both(text.rstrip(".").removeprefix("JSON is malformed: "))
