"""POST /v1/rerank, /v2/rerank and /rerank: documents by how well they answer a query, in Cohere's and Jina's form."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from zhongshu.api.decoding import BodyDecoder
from zhongshu.api.endpoint import Asked, Incoming
from zhongshu.api.openai.handing import Handed, HandedAsked, json_turn
from zhongshu.core.turns import Wishes


class Document(msgspec.Struct, frozen=True):
    """A document in the longer form."""

    text: str


class RerankRequest(msgspec.Struct, frozen=True):
    """POST /v1/rerank."""

    query: Annotated[str, Meta(min_length=1)]
    documents: Annotated[list[str | Document], Meta(min_length=1, max_length=10_000)]
    model: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    top_n: Annotated[int, Meta(ge=1)] | None = None
    return_documents: bool | None = None
    user: Annotated[str, Meta(max_length=512)] | None = None
    zhongshu: Wishes | None = None


decode = BodyDecoder(RerankRequest)


class Rerank(Handed):
    """The rerank endpoint."""

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request. The turn's prompts are the query, then the documents."""
        asked = decode(incoming.body)
        texts = [document if isinstance(document, str) else document.text for document in asked.documents]
        prompts = (asked.query, *texts)
        return HandedAsked(json_turn("rerank", incoming, asked.model, prompts, asked.zhongshu, user=asked.user))
