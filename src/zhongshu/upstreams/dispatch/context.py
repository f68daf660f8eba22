"""Whether a turn can fit a model's context window, judged by the size of its text. Knows no tokenizer.

"Certain" is meant: a model is passed over unasked only when half of the usual estimate is still too much. What may or
may not fit is asked, and the upstream says.
"""

from __future__ import annotations

from zhongshu.core.models import Offer
from zhongshu.core.turns import Turn

_CERTAIN = 2
# By the estimate below no text comes to more than a token for four bytes: a smaller body cannot be certain.
_BYTES = 4 * _CERTAIN


def tokens_of(turn: Turn) -> int:
    """The usual estimate of a turn's text: a token for four ASCII characters, seven for ten others. Pictures, sound and
    tools count nothing."""
    texts = [message.text() for message in turn.messages] + list(turn.prompts)
    characters = sum(map(len, texts))
    others = sum(len(text) - len(text.encode("ascii", "ignore")) for text in texts if not text.isascii())
    return (characters - others) // 4 + others * 7 // 10


def overflows(turn: Turn, offer: Offer) -> bool:
    """Whether this model's context is certainly too short. Costs a comparison unless the request is large."""
    context = offer.card.context
    if context is None or turn.body_bytes <= context * _BYTES or turn.kind not in ("chat", "completion"):
        return False
    return tokens_of(turn) > context * _CERTAIN


def longer(offer: Offer, than: Offer) -> bool:
    """Whether a model holds more than another, or may: one of unknown length is asked before a prompt is refused."""
    return offer.card.context is None or offer.card.context > (than.card.context or 0)
