"""How an answer is drawn, in llama.cpp's spelling. A value not given is left to llama.cpp's own default."""

from __future__ import annotations

from typing import Any

from zhongshu.core.turns import Sampling

Body = dict[str, Any]
_SEEDS = 2**32 - 1  # llama.cpp's seeds have 32 bits; the last one means "draw one"


def drawing(sampling: Sampling, choice: int) -> Body:
    """Everything but lengths, stops and shape. Each choice of a seeded turn has a seed of its own."""
    body: Body = {}
    if sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if sampling.top_k is not None:
        body["top_k"] = sampling.top_k
    if sampling.seed is not None:
        body["seed"] = (sampling.seed + choice) % _SEEDS
    if sampling.presence_penalty is not None:
        body["presence_penalty"] = sampling.presence_penalty
    if sampling.frequency_penalty is not None:
        body["frequency_penalty"] = sampling.frequency_penalty
    return body


def wanted_logprobs(sampling: Sampling) -> Body:
    """Log-probabilities of each token; llama.cpp wants to know of how many alternatives, at least one."""
    return {"n_probs": max(1, sampling.top_logprobs or 0)} if sampling.logprobs else {}
