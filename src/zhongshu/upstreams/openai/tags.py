"""Thoughts that stand in the content between <think> and </think>: text cut anywhere -> thoughts and text.

For servers without a reasoning parser (TGI, llama.cpp, older vLLM). Only what the content begins with is a thought: a
text that speaks of the tags later stays as it is. However the text is cut, the joined thoughts and the joined text are
the same; of a tag that may be on its way only so much is held back as may belong to it.
"""

from __future__ import annotations

from typing import NamedTuple

OPEN, CLOSE = "<think>", "</think>"


class Piece(NamedTuple):
    """More of one or the other."""

    thought: str
    text: str


class TagSplitter:
    """One choice's memory. already_open: the prompt ended with the opening tag, so that the answer begins with thoughts
    whether or not the tag is repeated."""

    __slots__ = ("_held", "_state", "_untagged")

    def __init__(self, *, already_open: bool = False) -> None:
        self._state = "before"
        self._untagged = "within" if already_open else "text"
        self._held = ""

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
        return Piece(held, "") if state == "within" else Piece("", held)

    def _begin(self, content: str) -> str:
        """Look for the opening tag, which white space may precede."""
        inner = content.lstrip()
        if inner.startswith(OPEN):
            self._state = "within"
            return inner[len(OPEN) :]
        if OPEN.startswith(inner):
            self._held = content
            return ""
        self._state = self._untagged
        return content

    def _within(self, content: str) -> tuple[str, str]:
        """Thoughts up to the closing tag, and what follows it."""
        thought, closed, rest = content.partition(CLOSE)
        if closed:
            self._state = "after"
            return thought, rest
        keep = next((n for n in range(len(CLOSE) - 1, 0, -1) if thought.endswith(CLOSE[:n])), 0)
        if keep:
            self._held = thought[-keep:]
            thought = thought[:-keep]
        return thought, ""


def split(content: str, *, already_open: bool = False) -> Piece:
    """A whole content in its two parts."""
    splitter = TagSplitter(already_open=already_open)
    first, last = splitter.feed(content), splitter.finish()
    return Piece(first.thought + last.thought, first.text + last.text)
