"""What a question is. Values only."""

from __future__ import annotations

from typing import Literal

import msgspec

Split = Literal["train", "report"]
Sheet = Literal["train", "report", "talks"]
"""What is asked in one go: a split, or conversations (talks.py)."""
Said = tuple[Literal["user", "assistant"], str]
Kind = Literal["arithmetic", "fact", "classify", "extract"]
Language = Literal["en", "zh"]
Form = Literal["number", "label", "text"]
KINDS: tuple[Kind, ...] = ("arithmetic", "fact", "classify", "extract")
LANGUAGES: tuple[Language, ...] = ("en", "zh")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question and what its answer must be.

    id: stable for a seed, and unique over both splits. template: what it was made from; no template serves both splits.
    form: how an answer is read. truth: each spelling that is right, the first being the usual one. others: what a right
    answer must not name: the other labels, or what else stands in the text that could be mistaken for the truth. before:
    what was said before the prompt.
    """

    id: str
    split: Split
    kind: Kind
    language: Language
    template: str
    prompt: str
    form: Form
    truth: tuple[str, ...]
    others: tuple[str, ...] = ()
    before: tuple[Said, ...] = ()
