"""Settings of routing: `[router]` in the TOML. What `auto` uses a model for stands in the model's own row (`tier`)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from zhongshu.core.dials import Dial
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.linear import load

Share = Annotated[float, Meta(ge=0, le=1)]


class SampleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Turns of `auto` and of assistants that are answered in the other way too, unseen, so that `zhongshu route report` can
    compare.

    share: of the turns that could have been answered in two ways, 0 for none. judge: the model that says how right both answers are;
    empty for agreement alone. max_cost_per_day: what samples and their judging may cost in a day (UTC), in the currency
    of budgets; 0 for no ceiling. They are the operator's: no tenant's, key's or user's budget pays for them.
    """

    share: Share = 0.0
    judge: str = ""
    max_cost_per_day: Annotated[float, Meta(ge=0)] = 0.0


class ReadingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is made into text where no model of `auto` takes it. sound: the model that writes down speech; pictures: the
    one that tells what a picture shows. Empty: the first configured model that can; "none": nobody. documents: whether
    text, Markdown, CSV, JSON, HTML and the like are read here. max_characters: of one document or recording.
    """

    documents: bool = True
    sound: str = ""
    pictures: str = ""
    max_characters: Annotated[int, Meta(ge=1)] = 200_000


class RouterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How `auto` weighs quality against cost.

    dial: 0 is cheapest, 1 best; a turn goes to the reasoning model when that is expected to raise the chance of a
    right answer by at least (1 - dial) ** 3. max_cost: what one turn of `auto` may be expected to cost at most, in the
    currency that budgets are counted in; max_seconds: how long it may be expected to take; 0 for no ceiling. What the
    request or its key says stands in their place. model_file: a difficulty model of your own (`zhongshu route train`);
    left out, the one that is shipped for your two models, or else for any.
    """

    dial: Share = 0.5
    max_cost: Annotated[float, Meta(ge=0)] = 0.0
    max_seconds: Annotated[float, Meta(ge=0)] = 0.0
    model_file: Path | None = None
    samples: SampleSettings = SampleSettings()
    reading: ReadingSettings = ReadingSettings()

    def __post_init__(self) -> None:
        if self.model_file is None:
            return
        try:
            Judge(load(self.model_file))
        except (OSError, ValueError) as error:
            why = (error.strerror or "it cannot be read") if isinstance(error, OSError) else str(error)
            raise ValueError(
                f"model_file: {why}; make one with `zhongshu route train`, or leave it out",
                f"model_file: 无法使用（{why}）；请用 `zhongshu route train` 训练，或不填写",
            ) from None

    def filled(self, said: Dial) -> Dial:
        """What was said, with what stands here where nothing was."""
        return Dial(
            self.dial if said.quality is None else said.quality,
            said.quality_by or "settings",
            (self.max_cost or None) if said.max_cost is None else said.max_cost,
            said.max_cost_by or ("settings" if self.max_cost else ""),
            (self.max_seconds or None) if said.max_seconds is None else said.max_seconds,
            said.max_seconds_by or ("settings" if self.max_seconds else ""),
        )


def threshold_of(dial: float) -> float:
    """The least gain in quality for which the reasoning model is asked: 1 at dial 0, 0 at dial 1."""
    return 1.0 if dial <= 0 else (1.0 - dial) ** 3


def least_dial(gain: float, steps: int = 10_000) -> float:
    """The smallest dial, in so many steps from 0 to 1, that asks for no more than this gain."""
    step = math.ceil(dial_of(gain) * steps - 1e-6)
    while step < steps and threshold_of(step / steps) > gain:
        step += 1
    return min(1.0, step / steps)


def dial_of(threshold: float) -> float:
    """The dial whose threshold this is; 1 for any gain at all."""
    return 1.0 - max(0.0, min(1.0, threshold)) ** (1 / 3)
