"""Checking an upstream: reached or not, how long it took, and how to mend it."""

from __future__ import annotations

import pytest

from zhongshu.upstreams.probe import probe
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import Script
from zhongshu.upstreams.scripted.serve import Served, serving
from zhongshu.upstreams.settings import UpstreamSettings


async def test_a_good_upstream(served: Served) -> None:
    found = await probe(UpstreamSettings(name="mine", base_url=served.base_url, models=("mock",)))
    assert found.ok
    assert found.first_ms is not None
    assert found.kept_ms is not None
    assert found.models is not None
    assert found.models > 20


async def test_a_model_that_is_not_listed(served: Served) -> None:
    found = await probe(UpstreamSettings(name="mine", base_url=served.base_url, models=("mock", "gone")))
    assert not found.ok
    assert found.missing == ("gone",)
    assert "gone" in found.mend
    assert "gone" in found.mend_zh


async def test_a_wrong_key() -> None:
    with serving(ScriptedApp(Script(key="right"))) as served:
        for key, ok in (("right", True), ("wrong", False)):
            found = await probe(UpstreamSettings(name="mine", base_url=served.base_url, key="env:K"), {"K": key})
            assert found.ok is ok
        assert found.problem == "upstream_auth"
        assert "env:K" in found.mend


async def test_nothing_there() -> None:
    found = await probe(UpstreamSettings(name="mine", base_url="http://127.0.0.1:1/v1"))
    assert found.problem == "upstream_unreachable"
    assert "http://127.0.0.1:1/v1" in found.mend
    assert found.mend_zh


async def test_an_address_that_is_something_else(served: Served) -> None:
    found = await probe(UpstreamSettings(name="mine", base_url=f"http://127.0.0.1:{served.port}/stats"))
    assert found.models is None
    assert found.ok


@pytest.mark.parametrize("environ", [{}, {"OPENAI_API_KEY": "  "}])
async def test_no_key(environ: dict[str, str]) -> None:
    found = await probe(UpstreamSettings(name="openai"), environ)
    assert (found.ok, found.problem) == (False, "key")
    assert "export OPENAI_API_KEY=" in found.why
