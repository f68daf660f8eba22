"""Who made a signature: providers sign thoughts and calls, want them back unchanged, and refuse another provider's.

In our words a signature names the wire format it was made in, "anthropic:ErUBCk...". To a client that speaks the same
format it goes as the provider gave it. To any other client it goes marked, so that it is known again when it comes back:

    ZhSignedAnth + Base64 of the signature

The mark is itself Base64 of nine bytes without `+` and `/`, as clients of Google's decode such fields and write them
again in either alphabet. What comes without a mark was made in the format that it is spelt in.

Where several providers speak one format, all but one of them are named beside it ("anthropic@6e1f...:ErUB...", see
upstreams/marking.py), and their signatures go marked to every client: ZhSignedMore + Base64 of all that.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Literal

Maker = Literal["anthropic", "gemini", "responses", "openai"]

_MARK = "ZhSigned"
_CODES: dict[str, str] = {"anthropic": "Anth", "gemini": "Gemi", "responses": "Resp", "openai": "Chat"}
_MAKERS = {code: maker for maker, code in _CODES.items()}
_CALL = "Call"
_MORE = "More"
_STANDARD = str.maketrans("-_", "+/")
_HEAD = len(_MARK) + 4


def signed(maker: Maker, original: str | None) -> str | None:
    """A provider's signature in our words; None for none."""
    return f"{maker}:{original}" if original else None


def own(signature: str | None, maker: Maker) -> str | None:
    """The signature as the provider gave it, if it was made in this format; None if in another, or by nobody."""
    if signature is None:
        return None
    name, _, original = signature.partition(":")
    return original if name == maker else None


def leaving(signature: str, dialect: Maker) -> str:
    """The signature as a client of this format gets it."""
    name, _, original = signature.partition(":")
    if "@" in name:
        return f"{_MARK}{_MORE}{b64encode(signature.encode()).decode()}"
    if name == dialect or name not in _CODES:
        return original
    return f"{_MARK}{_CODES[name]}{b64encode(original.encode()).decode()}"


def arriving(given: str | None, dialect: Maker) -> str | None:
    """What a client of this format handed back, in our words; None for nothing. A mark that has been damaged names no
    format, so that nobody gets it."""
    if not given:
        return None
    if not given.startswith(_MARK):
        return f"{dialect}:{given}"
    encoded, code = given[_HEAD:].translate(_STANDARD), given[len(_MARK) : _HEAD]
    try:
        original = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode()
    except ValueError:
        return ":"
    if code != _MORE:
        return f"{_MAKERS.get(code, '')}:{original}"
    return original if "@" in original.partition(":")[0] else ":"


def by_another(signature: str, maker: str) -> str:
    """The signature under another maker's name; "" is nobody, and no provider takes it back."""
    return f"{maker}:{signature.partition(':')[2]}"


def maker_of(signature: str) -> str:
    """Who made it."""
    return signature.partition(":")[0]


def beside_call(signature: str) -> str:
    """The signature of a call, for a format that signs thoughts alone: what is redacted before the call holds it."""
    return f"{_MARK}{_CALL}{b64encode(signature.encode()).decode()}"


def of_call(given: str) -> str | None:
    """The signature, in our words, of the call that follows; None where this is a thought's."""
    if not given.startswith(_MARK + _CALL):
        return None
    try:
        return b64decode(given[_HEAD:], validate=True).decode()
    except ValueError:
        return ":"
