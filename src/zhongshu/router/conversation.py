"""What a turn has to do with those before it in its conversation. Pure; reads words of the user only.

Every protocol hands the conversation over whole, be it sent again or remembered (`previous_response_id`), so what was
decided before can be known from the questions alone, by whichever worker.
"""

from __future__ import annotations

import re

from zhongshu.core.turns import Turn

_EARLIER_AT_MOST = 8
_SHORT = 160

STAYS, CHANGES = 0.5, 1.25
"""In a conversation a turn stays with the reasoning model down to this share of the least gain, and leaves the general
one from this share on: close decisions do not go to and fro."""

# For text in lower case: ignoring case takes several times as long.
_CONTINUES = re.compile(
    r"\W*(?:(?:and|but|so|or|ok(?:ay)?,? (?:and|but|so|now)|now|then|what if|suppose|instead|same|likewise|how about|what about|"
    r"using (?:that|this|it)|with (?:that|this)|in that case|if (?:he|she|it|they|we|that|this|there|instead))\b"
    r"|那么?|如果|假如|要是|换成|改成|改为|再|又|接着|然后|同样|这样的话|这种情况下|若)"
)


def questions_of(turn: Turn) -> list[str]:
    """What the user asked, newest first; a bounded number."""
    return [message.text() for message in reversed(turn.messages) if message.role == "user"][:_EARLIER_AT_MOST]


def continues(text: str) -> bool:
    """Whether a question is asked within the one before it: short, and joined to what was said."""
    return len(text) <= _SHORT and _CONTINUES.match(text.strip().lower()) is not None
