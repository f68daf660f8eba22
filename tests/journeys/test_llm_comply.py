"""PyPI's llm-comply: every openai-chat check. The local model has no eyes, so pictures are checked on an upstream."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import KEY, SMOL

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(("model", "only"), [("mock", "chat-image-input"), (SMOL, "")])
def test_all_checks_pass(house, model, only):
    program = Path(sys.executable).with_name("llm-comply")
    chosen = ["-f", only] if only else []
    done = subprocess.run(
        [program, "run", "--format", "openai-chat", "-u", f"{house.url}/v1", "-k", KEY, "-m", model, "--json", *chosen],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    results = {row["id"]: row for row in json.loads(done.stdout)["results"]}
    failed = {name: row for name, row in results.items() if row["status"] == "failed"}
    if not only:
        assert failed.pop("chat-image-input")["errors"][0] == "HTTP 400 (expected [200])"
    assert not failed, json.dumps(failed, indent=1)[:3000]
    assert sum(row["status"] == "passed" for row in results.values()) >= (1 if only else 7)


@pytest.mark.parametrize("model", ["mock", "claude", "claude-opus-thought", "mock-claude-opus-thought", SMOL])
def test_all_checks_of_anthropics_format_pass(house, model):
    """Behind an upstream of OpenAI's format, behind one of Anthropic's, and on the local model, which has no eyes. The
    check of thoughts runs for names of models that think."""
    program = Path(sys.executable).with_name("llm-comply")
    done = subprocess.run(
        [program, "run", "--format", "anthropic", "-u", f"{house.url}/v1", "-k", KEY, "-m", model, "--json"],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    results = {row["id"]: row for row in json.loads(done.stdout)["results"]}
    failed = {name: row for name, row in results.items() if row["status"] == "failed"}
    if model == SMOL:
        assert failed.pop("anth-image-input")["errors"][0] == "HTTP 400 (expected [200])"
    assert not failed, json.dumps(failed, indent=1)[:3000]
    passed = sum(row["status"] == "passed" for row in results.values())
    assert passed >= (9 if "opus" in model else 7 if model == SMOL else 8)


@pytest.mark.parametrize("model", ["mock", "r-mock", "gpt-5-mock", "r-gpt-5-mock", SMOL])
def test_all_checks_of_open_responses_pass(house, model):
    """Behind an upstream of OpenAI's chat format, behind one of the Responses format, and on the local model, which has no
    eyes. The check of thoughts runs for names of models that think; there, llm-comply 0.5 does not know the events of a
    thought by the names that OpenAI's own packages use, so streams are checked on the others."""
    program = Path(sys.executable).with_name("llm-comply")
    thinks = "gpt-5" in model
    chosen = ["-f", "basic-response,multi-turn,tool-calling,reasoning-summary"] if thinks else []
    done = subprocess.run(
        [
            program, "run", "--format", "open-responses", "-u", f"{house.url}/v1", "-k", KEY, "-m", model, "--json",
            *chosen,
        ],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    results = {row["id"]: row for row in json.loads(done.stdout)["results"]}
    failed = {name: row for name, row in results.items() if row["status"] == "failed"}
    if model == SMOL:
        assert failed.pop("image-input")["errors"][0] == "HTTP 400 (expected [200])"
    assert not failed, json.dumps(failed, indent=1)[:3000]
    passed = sum(row["status"] == "passed" for row in results.values())
    assert passed >= (4 if thinks else 11 if model == SMOL else 12)
