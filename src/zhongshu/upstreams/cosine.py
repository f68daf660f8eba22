"""Reranking by a model that only makes vectors: documents by the cosine of theirs with the query's.

Weaker than a model made for it, which reads both texts together; so it happens only where a model's settings say
`rerank = "cosine"`, and the reply says so in `method`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from zhongshu.core.answers import Embeddings, Passed
from zhongshu.core.ports import Call

_encode = msgspec.json.Encoder().encode


class _Wanted(msgspec.Struct):
    top_n: int | None = None
    return_documents: bool | None = None


async def rerank(embed: Callable[[Call], Awaitable[Embeddings]], call: Call) -> Passed:
    """The reply in Jina's form. The turn's prompts are the query, then the documents. Raises what `embed` raises."""
    turn = call.turn
    wanted = _wanted(call)
    model = call.offer.release.upstream_model
    asked = Call(
        msgspec.structs.replace(turn, kind="embedding", prompts=_prefixed(turn.prompts, model), wire=None), call.offer
    )
    made = await embed(asked)
    call.dropped = asked.dropped
    query, *documents = made.vectors
    scores = [_cosine(query, document) for document in documents]
    order = sorted(range(len(scores)), key=lambda number: (-scores[number], number))[: wanted.top_n]
    results: list[dict[str, Any]] = []
    for number in order:
        result: dict[str, Any] = {"index": number, "relevance_score": scores[number]}
        if wanted.return_documents:
            result["document"] = {"text": turn.prompts[number + 1]}
        results.append(result)
    reply: dict[str, Any] = {
        "id": f"rerank-{turn.trace}",
        "object": "list",
        "model": turn.model,
        "method": "cosine",
        "results": results,
    }
    if made.usage is not None:
        reply["usage"] = {"prompt_tokens": made.usage.prompt, "total_tokens": made.usage.prompt}
    return Passed(_encode(reply), "application/json", made.usage, made.model)


def _wanted(call: Call) -> _Wanted:
    wire = call.turn.wire
    if wire is None:
        return _Wanted()
    return msgspec.convert(
        {name: msgspec.json.decode(value) for name, value in wire.fields.items() if name in _Wanted.__struct_fields__},
        _Wanted,
    )


def _prefixed(texts: tuple[str, ...], model: str) -> tuple[str, ...]:
    """Models of the E5 family are trained with a word before each text that says what it is (their model cards)."""
    if "e5" not in model.lower():
        return texts
    query, *documents = texts
    return (f"query: {query}", *[f"passage: {document}" for document in documents])


def _cosine(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(map(operator.mul, one, other)) / lengths if lengths else 0.0
