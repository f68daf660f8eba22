"""Reranking on this machine alone: the embedded e5 orders documents, Chinese and English, by their vectors."""

import pytest

from tests.running import E5

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("query", "documents", "best"),
    [
        ("猫喜欢吃什么？", ["股票市场今天大幅下跌。", "猫是肉食动物，爱吃鱼和肉。", "明天有雨。"], 1),
        ("What do cats eat?", ["Shares fell sharply today.", "It rains tomorrow.", "Cats are carnivores."], 2),
        ("What do cats eat?", ["股票市场今天大幅下跌。", "猫是肉食动物，爱吃鱼和肉。"], 1),
    ],
)
def test_the_document_that_answers_comes_first(house, query, documents, best):
    body = {"model": E5, "query": query, "documents": documents, "return_documents": True}
    status, _, reply = house.ask("/v1/rerank", body)
    assert status == 200
    assert (reply["results"][0]["index"], reply["method"]) == (best, "cosine")
    assert reply["results"][0]["document"]["text"] == documents[best]
    assert reply["usage"]["total_tokens"] > 0
