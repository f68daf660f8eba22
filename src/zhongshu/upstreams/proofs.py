"""Whether a request holds thoughts or signatures at all: where it holds none, it is passed on without being read."""

from __future__ import annotations

from zhongshu.core.turns import Turn


def holds_proofs(turn: Turn) -> bool:
    """Whether any message brings an earlier thought, or a call with a signature."""
    for message in turn.messages:
        if message.thoughts:
            return True
        for call in message.tool_calls:
            if call.signature:
                return True
    return False
