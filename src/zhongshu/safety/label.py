"""The AI label of an answer: structured flag, words, and the implicit AIGC object (GB 45438-2025, 标识办法).

Knows nothing of protocols: an API puts the flag beside the answer; `words_for` says what text, if any, belongs in it.
"""

from __future__ import annotations

from zhongshu.core.labels import NO_MARK, Aigc, Label, TextMark
from zhongshu.core.turns import Turn
from zhongshu.safety.settings import LabelSettings

GENERATED = "1"


class AiLabeller:
    """Makes labels from settings; ProduceID is the turn's trace id, so a label leads back to its record."""

    def __init__(self, settings: LabelSettings) -> None:
        self._settings = settings

    def label(self, turn: Turn) -> Label:
        """On first writing the propagator is the producer, and PropagateID is ProduceID."""
        settings = self._settings
        return Label(
            explicit=True,
            text=settings.words,
            text_zh=settings.words_zh,
            AIGC=Aigc(
                Label=GENERATED,
                ContentProducer=settings.producer,
                ProduceID=turn.trace,
                ReservedCode1="",
                ContentPropagator=settings.producer,
                PropagateID=turn.trace,
                ReservedCode2="",
            ),
        )

    def words_for(self, turn: Turn) -> TextMark:
        """The words to put into the text itself; none where the answer is read by a program."""
        settings = self._settings
        if settings.text == "flag" or turn.kind != "chat" or turn.format.kind != "text" or turn.tools:
            return NO_MARK
        words = settings.words_zh if _mostly_chinese(turn) else settings.words
        return TextMark(start=f"{words}\n\n") if settings.text == "start" else TextMark(end=f"\n\n{words}")


def _mostly_chinese(turn: Turn) -> bool:
    last = turn.messages[-1].text() if turn.messages else ""
    return any("\u4e00" <= char <= "\u9fff" for char in last[:200])
