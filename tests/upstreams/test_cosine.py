"""Ranking by vectors: best first, with the reply saying how it was done."""

import msgspec

from zhongshu.core.answers import Embeddings, Usage
from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.ports import Call
from zhongshu.core.turns import Turn, Wire
from zhongshu.upstreams.cosine import rerank

VECTORS = {"cat": (1.0, 0.0), "kitten": (0.9, 0.1), "stocks": (0.0, 2.0), "nothing": (0.0, 0.0)}


async def ranked(model="plain", **fields):
    asked = []

    async def embed(call):
        asked.append(call.turn)
        vectors = tuple(VECTORS[text.rpartition(": ")[2]] for text in call.turn.prompts)
        return Embeddings(vectors, Usage(prompt=5), model)

    prompts = ("cat", "stocks", "kitten", "nothing")
    wire = Wire("openai.rerank", {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()})
    turn = Turn("0" * 32, 0, "rerank", "openai.rerank", "asked", prompts=prompts, wire=wire)
    offer = Offer(Release(model="asked", version="1", upstream="up", upstream_model=model), ModelCard(name="asked"))
    passed = await rerank(embed, Call(turn, offer))
    return asked[0], passed, msgspec.json.decode(passed.body)


async def test_the_nearest_comes_first():
    asked, passed, body = await ranked()
    assert asked.kind == "embedding"
    assert asked.prompts[0] == "cat"
    assert [result["index"] for result in body["results"]] == [1, 0, 2]
    assert body["results"][0]["relevance_score"] > 0.99
    assert body["method"] == "cosine"
    assert passed.usage == Usage(prompt=5)


async def test_top_n_and_documents():
    _, _, body = await ranked(top_n=1, return_documents=True)
    assert [result["document"] for result in body["results"]] == [{"text": "kitten"}]


async def test_an_e5_model_gets_its_prefixes():
    asked, _, _ = await ranked(model="multilingual-e5-small")
    assert asked.prompts == ("query: cat", "passage: stocks", "passage: kitten", "passage: nothing")
