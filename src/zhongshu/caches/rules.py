"""Whether a turn's answer may be given again: by the model's rule, by chance in its making, by what the caller says.

Reads turns and headers; knows neither keys nor files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from zhongshu.caches.settings import CacheSettings, Reuse
from zhongshu.core.answers import Answer
from zhongshu.core.models import Release
from zhongshu.core.turns import File, Image, Message, Sampling, Text, Turn, Video

Use = Literal["use", "refresh", "no-store"]

_ENDED_WELL = frozenset({"stop", "tool_calls"})
_CACHED_KINDS = frozenset({"chat", "completion"})
_RELEASES = 1000
"""How many releases' rules are remembered; they are the same objects for many turns."""
LONGEST_QUESTION = 400
"""Characters: an embedding says less of longer texts, and the model reads 512 tokens at most."""


class Rule(msgspec.Struct, frozen=True):
    """What holds for a model. explicit: its own row says so."""

    reuse: Reuse
    explicit: bool
    ttl_s: float
    threshold: float


class Rules:
    """The rules of all models: those whose rows say something, and one for the rest."""

    def __init__(self, settings: CacheSettings, rows: Mapping[str, Rule]) -> None:
        self.settings = settings
        self._rows = rows
        self._rest = Rule(settings.models, False, settings.ttl_s, settings.threshold)
        self._found: dict[int, tuple[Release, Rule]] = {}

    def of(self, release: Release) -> Rule:
        """By release name, then by model name."""
        found = self._found.get(id(release))
        if found is None:
            if len(self._found) >= _RELEASES:
                self._found.clear()
            rule = self._rows.get(release.name) or self._rows.get(release.model) or self._rest
            found = self._found[id(release)] = release, rule
        return found[1]

    def any(self) -> bool:
        """Whether anything is cached at all."""
        return self._rest.reuse != "off" or any(rule.reuse != "off" for rule in self._rows.values())

    def semantic(self) -> bool:
        """Whether any model is cached by meaning."""
        return self._rest.reuse == "semantic" or any(rule.reuse == "semantic" for rule in self._rows.values())

    def allows(self, turn: Turn, release: Release, rule: Rule) -> bool:
        """Whether this turn's answer may be looked for and kept."""
        settings = self.settings
        if rule.reuse == "off" or turn.kind not in _CACHED_KINDS or turn.body_bytes > settings.request_bytes:
            return False
        if drawn_by_chance(turn.sampling, release) and (
            settings.sampled == "never" or (settings.sampled == "explicit" and not rule.explicit)
        ):
            return False
        for message in turn.messages:
            if not isinstance(message.content, str) and _points_elsewhere(message):
                return False
        return True


def drawn_by_chance(sampling: Sampling, release: Release) -> bool:
    """Whether asking again would give another answer. Without a temperature the provider's own default draws; what the
    release sets stands in place of the caller's."""
    temperature, seed, shape = sampling.temperature, sampling.seed, release.shape
    if shape is not None:
        temperature = temperature if shape.temperature is None else shape.temperature
        seed = seed if shape.seed is None else shape.seed
    return sampling.n > 1 or (temperature != 0 and seed is None)


def _points_elsewhere(message: Message) -> bool:
    """Whether it refers to something whose content may change under its address."""
    if isinstance(message.content, str):
        return False
    for part in message.content:
        match part:
            case Image() | Video():
                if not part.url.startswith("data:"):
                    return True
            case File():
                if part.id or part.url:
                    return True
            case _:
                pass
    return False


def wished(turn: Turn, headers: Mapping[bytes, bytes]) -> Use:
    """What the caller says: `zhongshu.cache` of the body, or `Cache-Control` of the request (RFC 9111, 5.2.1)."""
    given = headers.get(b"cache-control")
    if given:
        asked = {word.strip().lower() for word in given.split(b",")}
        if b"no-store" in asked:
            return "no-store"
        if turn.wishes.cache == "use" and asked & {b"no-cache", b"max-age=0"}:
            return "refresh"
    return turn.wishes.cache


def whole(answer: Answer, turn: Turn) -> bool:
    """Whether an answer is complete, ended well, and says something in each of its choices."""
    wanted = turn.sampling.n * max(1, len(turn.prompts))
    return len(answer.choices) == wanted and all(
        choice.stop in _ENDED_WELL and (choice.text or choice.tool_calls or choice.refusal) for choice in answer.choices
    )


def question_of(turn: Turn) -> str | None:
    """The question to compare by meaning: the last message, a user's, in plain text. None where one word less or more
    matters too much (shapes, several choices, log-probabilities) or there is no such message."""
    sampling = turn.sampling
    if turn.kind != "chat" or turn.format.kind != "text" or sampling.n > 1 or sampling.logprobs or not turn.messages:
        return None
    last = turn.messages[-1]
    if last.role != "user":
        return None
    if isinstance(last.content, str):
        text = last.content
    elif len(last.content) == 1 and isinstance(last.content[0], Text):
        text = last.content[0].text
    else:
        return None
    return text if 2 <= len(text) <= LONGEST_QUESTION else None


def plain_words(answer: Answer) -> bool:
    """Whether an answer is text alone: only such answers are given to a question worded otherwise."""
    return all(choice.stop == "stop" and choice.text and not choice.tool_calls for choice in answer.choices)
