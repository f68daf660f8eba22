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
