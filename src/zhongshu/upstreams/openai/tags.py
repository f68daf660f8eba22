"""Thoughts that stand in the content between <think> and </think>: text cut anywhere -> thoughts and text.

For servers without a reasoning parser (TGI, llama.cpp, older vLLM). Only what the content begins with is a thought: a
text that speaks of the tags later stays as it is, and the first closing tag ends it, as a thought may speak of tags too.
Letters may be large; space before a thought is none of it, so that one of nothing else is none. However the text is cut,
the joined thoughts and the joined text are the same; of a tag that may be on its way only so much is held back as may
belong to it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

OPEN, CLOSE = "<think>", "</think>"
_OPEN, _CLOSE = (re.compile(tag, re.IGNORECASE | re.ASCII) for tag in (OPEN, CLOSE))


class Piece(NamedTuple):
    """More of one or the other."""

    thought: str
    text: str


class TagSplitter:
    """One choice's memory. already_open: the prompt ended with the opening tag, so that the answer begins with thoughts
    whether or not the tag is repeated."""

    __slots__ = ("_held", "_said", "_state", "_untagged")

    def __init__(self, *, already_open: bool = False) -> None:
        self._state = "before"
        self._untagged = "within" if already_open else "text"
        self._held = ""
        self._said = False

    def feed(self, content: str) -> Piece:
        """What is certain now."""
        thought = ""
        content, self._held = self._held + content, ""
        if self._state == "before":
            content = self._begin(content)
        if self._state == "within":
            thought, content = self._within(content)
        if self._state == "after":
            content = content.lstrip("\n")
            if content:
                self._state = "text"
        return Piece(thought, content if self._state == "text" else "")

    def finish(self) -> Piece:
        """What was held back. The content is over."""
        held, self._held = self._held, ""
        state = self._untagged if self._state == "before" else self._state
        return Piece(self._spoken(held), "") if state == "within" else Piece("", held)

    def _begin(self, content: str) -> str:
        """Look for the opening tag, which white space may precede."""
        inner = content.lstrip()
        if _OPEN.match(inner):
            self._state = "within"
            return inner[len(OPEN) :]
        if OPEN.startswith(inner.lower()):
            self._held = content
            return ""
        self._state = self._untagged
        return content

    def _within(self, content: str) -> tuple[str, str]:
        """Thoughts up to the closing tag, and what follows it."""
        closed = _CLOSE.search(content)
        if closed:
            self._state = "after"
            return self._spoken(content[: closed.start()]), content[closed.end() :]
        keep = next((n for n in range(len(CLOSE) - 1, 0, -1) if content[-n:].lower() == CLOSE[:n]), 0)
        if keep:
            self._held = content[-keep:]
            content = content[:-keep]
        return self._spoken(content), ""

    def _spoken(self, thought: str) -> str:
        """A piece of the thought, without the space before it all."""
        if not self._said:
            thought = thought.lstrip()
            self._said = bool(thought)
        return thought


def split(content: str, *, already_open: bool = False) -> Piece:
    """A whole content in its two parts."""
    splitter = TagSplitter(already_open=already_open)
    first, last = splitter.feed(content), splitter.finish()
    return Piece(first.thought + last.thought, first.text + last.text)
