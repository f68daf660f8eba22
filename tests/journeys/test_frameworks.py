"""Frameworks that speak OpenAI's protocols, unchanged but for the address: plain, streamed, with a tool.

Each is installed into a place of its own for the time of the test, as it would not fit among the locked packages.
promptfoo is not among them: its 859 packages take two minutes and 2.5 GB to install.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys import node
from tests.running import KEY, over, platform
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import SHIPPED, Behaviour, Script, ScriptedCall
from zhongshu.upstreams.scripted.serve import serving

HELLO = SHIPPED["mock"].text
WEATHER = {"city": "北京", "unit": "celsius"}
# A model that calls its tool and then answers, twice over: once plain and once streamed.
AGENTS = ["langchain", "llama-index", "pydantic-ai", "vercel-compatible", "vercel-chat", "vercel-responses"]
ONCE_EACH = Behaviour(sequence=("mock-tool", "mock", "mock-tool", "mock"))
MODELS = {
    **{f"agent-{name}": ONCE_EACH for name in AGENTS},
    "shaped-pydantic-ai": Behaviour(text="", tool_calls=(ScriptedCall("final_result", json.dumps(WEATHER)),)),
    "shaped-instructor": Behaviour(text="", tool_calls=(ScriptedCall("Weather", json.dumps(WEATHER)),)),
    "json-instructor": Behaviour(text=json.dumps(WEATHER)),
}
# script -> the package, and what it sees
PYTHON = {
    "langchain.py": (
        "langchain-openai==1.7.3",
        {
            "plain": HELLO,
            "used": 8,
            "streamed": HELLO,
            "streamed used": 8,
            "agent": [HELLO, HELLO],
            "asked": ["北京", "北京"],
            "responses": ["get_weather", "get_time"],
            "error": ["OpenAIModelNotFoundError", 404, "model_not_found"],
        },
    ),
    "llama.py": (
        "llama-index-llms-openai-like==0.8.1",
        {
            "plain": HELLO,
            "streamed": HELLO,
            "completed": HELLO,
            "agent": [HELLO, HELLO],
            "asked": ["北京", "北京"],
            "error": ["NotFoundError", 404, "model_not_found"],
        },
    ),
    "pydanticai.py": (
        "pydantic-ai-slim[openai]==2.68.0",
        {
            "plain": HELLO,
            "streamed": HELLO,
            "used": 8,
            "agent": [HELLO, HELLO],
            "asked": ["北京", "北京"],
            "shaped": WEATHER,
            "responses": HELLO,
            "error": ["ModelNotFoundError", 404, "model_not_found"],
        },
    ),
    "instructed.py": (
        "instructor==1.17.0",
        {f"{mode}{how}": WEATHER for mode in ("tools", "json", "schema") for how in ("", " streamed")}
        | {"error": True},
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with serving(ScriptedApp(Script(models=MODELS))) as upstream:
        settings = over(upstream.port, {name: name for name in [*SHIPPED, *MODELS]})
        with platform(tmp_path_factory.mktemp("frameworks"), settings) as running:
            yield running


def installed(*command, folder, environ=None):
    """Run an installer, or skip with its own reason."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=150, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.skip("it takes too long to install here")
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if "warn" not in line]
        pytest.skip(f"it cannot be installed here: {lines[:2]}")


def seen_by(*command, folder, place):
    """Run a client, and read the line it prints."""
    environ = {"BASE": f"{place.url}/v1", "KEY": KEY, "PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("script", PYTHON)
def test_a_framework_of_python(place, tmp_path, script):
    package, expected = PYTHON[script]
    uv, python = Path(sys.executable).with_name("uv"), tmp_path / "venv" / "bin" / "python"
    if uv.exists():
        installed(uv, "venv", "-q", "--python", sys.executable, tmp_path / "venv", folder=tmp_path)
        installed(uv, "pip", "install", "-q", "--python", python, package, folder=tmp_path)
    else:
        installed(sys.executable, "-m", "venv", tmp_path / "venv", folder=tmp_path)
        installed(python, "-m", "pip", "install", "-q", package, folder=tmp_path)
    assert seen_by(python, node.CLIENTS / "python" / script, folder=tmp_path, place=place) == expected


def test_the_ai_sdk_of_vercel(place, tmp_path):
    client = node.installed("vercel", tmp_path)
    seen = node.seen_by("vercel.mjs", client, BASE=f"{place.url}/v1", KEY=KEY)
    one = {
        "plain": HELLO,
        "used": 8,
        "streamed": HELLO,
        "streamed used": 8,
        "finish": "stop",
        "agent": [HELLO, HELLO],
        "asked": ["北京", "北京"],
    }
    error = ["AI_APICallError", 404, "model_not_found"]
    assert seen == {"compatible": one, "chat": one, "responses": one, "error": error}
