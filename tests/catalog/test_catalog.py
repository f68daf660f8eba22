"""A name is a model, a pinned release or auto; anything else is nothing."""

import pytest

from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.prices import Price


def test_names():
    rows = [
        ModelSettings(name="small", upstream="u", tier="general"),
        ModelSettings(name="deep", upstream="u", tier="reasoning", upstream_model="deep-v2", version="2"),
        ModelSettings(name="vectors", upstream="u", abilities=("embedding",)),
    ]
    catalog = ModelCatalog([offer_of(row) for row in rows])
    assert [o.release.upstream_model for o in catalog.find("deep")] == ["deep-v2"]
    assert [o.release.name for o in catalog.find("deep@2")] == ["deep@2"]
    assert catalog.find("deep@1") == ()
    assert [o.release.model for o in catalog.find("auto")] == ["small", "deep", "vectors"]
    assert catalog.find("nothing") == ()
    assert [card.name for card in catalog.cards()] == ["small", "deep", "vectors"]


def test_auto_needs_something_to_choose_from():
    assert ModelCatalog([offer_of(ModelSettings(name="x", upstream="u"))]).find("auto") == ()


@pytest.mark.parametrize("bad", [{"name": "auto"}, {"name": "a b"}, {"tier": "x"}, {"context": 0}, {"version": "a@b"}])
def test_bad_rows_name_the_field(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        ModelSettings(**{"name": "m", "upstream": "u", **bad})


def test_who_is_paid_or_adds_a_prompt():
    rows = [
        ModelSettings(name="free", upstream="u"),
        ModelSettings(name="dear", upstream="u", price=Price(input=1)),
        ModelSettings(name="falls", upstream="u", fallbacks=("free", "dear")),
        ModelSettings(name="shaped", upstream="u", prompt="Be brief."),
    ]
    catalog = ModelCatalog([offer_of(row) for row in rows])
    found = {
        name: [offer.card.name for offer in catalog.payable(name)] for name in ("free", "dear", "falls", "shaped", "no")
    }
    assert found == {"free": [], "dear": ["dear"], "falls": ["dear"], "shaped": ["shaped"], "no": []}
