"""What can be asked for: model cards and releases. Values only; the catalog room keeps them."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import msgspec

from zhongshu.core.depth import Depth
from zhongshu.core.dials import NO_DIAL, Dial, Preference
from zhongshu.core.prices import Price

AUTO = "auto"
"""The name that leaves it to the router which model answers."""

Ability = Literal[
    "chat",
    "completion",
    "embedding",
    "tools",
    "json",
    "schema",
    "vision",
    "audio",
    "thinking",
    "logprobs",
    "files",
    "rerank",
    "moderation",
    "speech",
    "transcription",
    "translation",
    "image",
]
Family = Literal["language", "multimodal", "audio", "embedding"]
Thinking = Literal["never", "always", "switch", "prompted"]


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is and can do. Abilities not listed are absent. Sizes in bytes, context in tokens.

    tier: what `auto` uses it for: "general", "reasoning" or "none". thinking: "prompted" models are asked to think in
    steps by us; "switch" models have a provider's own switch; "always" models cannot be told not to. fallbacks: models
    that answer in its place when it cannot, in order. rerank: "cosine" ranks documents by the model's vectors.
    strategy, made_of: of an assistant, which is asked like a model: how it answers, and with which models.
    """

    name: str
    family: Family = "language"
    architecture: Literal["decoder", "encoder", "encoder-decoder"] = "decoder"
    parameters: int | None = None
    context: int | None = None
    abilities: frozenset[Ability] = frozenset({"chat"})
    thinking: Thinking = "never"
    tier: str = "none"
    price: Price = Price()
    licence: str | None = None
    filing: str | None = None
    file_bytes: int | None = None
    quantisation: str | None = None
    dimensions: int | None = None
    note: str | None = None
    fallbacks: tuple[str, ...] = ()
    rerank: Literal["own", "cosine"] = "own"
    strategy: str = ""
    made_of: tuple[str, ...] = ()


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a release makes of a turn: a prompt before its conversation, and parameters in place of the caller's
    (`max_tokens` only lowers them). What is not set stays as the caller has it."""

    prompt: str = ""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


class Release(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A named version of a model: which upstream answers it and under what name there.

    weight: among its replicas. share: of the model's turns, until somebody makes a plan; None: the first release takes
    all. shape: what it makes of a turn, None for nothing. adapter: fine-tuned weights that the upstream loads by name.
    """

    model: str
    version: str
    upstream: str
    upstream_model: str
    weight: float = 1.0
    share: float | None = None
    shape: Shape | None = None
    adapter: str = ""

    @cached_property
    def name(self) -> str:
        return f"{self.model}@{self.version}"


Strategy = Literal["direct", "tiered", "cascade", "front-back", "draft-check"]


class Assistant(msgspec.Struct, frozen=True, kw_only=True):
    """Models that answer together under one name (pipeline/strategies).

    general, reasoning: names of models or pinned releases. prompt: before every conversation. threshold: the chance of
    a wrong answer, 0 to 1, from which the reasoning model is asked. rounds: of checking, at most. effort: how deep the
    reasoning model thinks where the caller does not say. show_thoughts: whether the caller sees thoughts. quality, max_cost, max_seconds: as in
    core.dials.Preference.
    """

    name: str
    strategy: Strategy
    general: str = ""
    reasoning: str = ""
    prompt: str = ""
    threshold: float = 0.5
    rounds: int = 2
    effort: Depth | None = None
    show_thoughts: bool = True
    quality: float | None = None
    max_cost: float | None = None
    max_seconds: float | None = None

    @property
    def prefers(self) -> Preference:
        """How its turns are weighed where neither they nor the key say."""
        return Preference(self.quality, self.max_cost, self.max_seconds)


class Offer(msgspec.Struct, frozen=True):
    """A release at one upstream, with its model's card: all that routing and answering need to know of it. A release
    that several upstreams serve is several offers (replicas). assistant: of the one offer of an assistant, which no
    upstream answers."""

    release: Release
    card: ModelCard
    assistant: Assistant | None = None


class Other(msgspec.Struct, frozen=True):
    """The way that was not taken: the offer of the other kind of model, or of the same one with or without thought; how
    deep it would have thought, what the choice went by. went: the reasoning model, or thought, was chosen; gain: what deep thought was expected to add; task: the kind of it."""

    offer: Offer
    effort: Literal["off", "minimal", "low", "medium", "high"] | None
    went: bool
    gain: float
    task: str


class Route(msgspec.Struct, frozen=True):
    """Which release answers, how deep it thinks, and why (one sentence, both languages). dial: what it was weighed by;
    other: the way not taken, where the choice was between two kinds of model."""

    offer: Offer
    effort: Literal["off", "minimal", "low", "medium", "high"] | None
    rule: str
    reason: str
    reason_zh: str
    dial: Dial = NO_DIAL
    other: Other | None = None
