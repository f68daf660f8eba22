"""The servers that are compared: how each is installed, set up for the mock upstream, and started on one core.

One worker each, nothing switched on that a plain gateway does not need; Zhongshu as a user would run it, with key check,
limits, label and durable journal on.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks import load, servers

PORTKEY = "@portkey-ai/gateway@1.15.2"
LITELLM = "litellm[proxy]==1.100.5"
KEY = "zs-bench-0123456789abcdefghijklmnopqrstuvwxyz"


class Running(msgspec.Struct, frozen=True):
    """A contestant that is up: its process and where requests enter; for Zhongshu its settings file too."""

    server: servers.Server
    door: load.Door
    settings: Path | None = None


NGINX = """
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    upstream mock {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://mock;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering {buffering};
        }}
    }}
}}
"""


@contextmanager
def nginx(core: int, upstream: int, *, streaming: bool = False) -> Generator[Running]:
    """nginx as a reverse proxy with upstream keep-alive: the limit. Buffering is off for streams, as it must be."""
    binary = servers.program("nginx", "nginx-light")
    port = servers.free_port()
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "nginx.conf"
        buffering = "off" if streaming else "on"
        settings.write_text(NGINX.format(folder=folder, upstream=upstream, port=port, buffering=buffering))
        command = [binary, "-p", folder, "-c", str(settings)]
        with servers.Server("nginx", command, core=core, port=port) as server:
            yield Running(server, load.Door(port=port))


@contextmanager
def bare(core: int, upstream: int) -> Generator[Running]:
    """A Python proxy with nothing in it (benchmarks/bare.py): how fast this machine is, in the terms of a gateway."""
    port = servers.free_port()
    command = [sys.executable, "-m", "benchmarks.bare", str(port), str(upstream)]
    with servers.Server("bare proxy", command, core=core, port=port) as server:
        yield Running(server, load.Door(port=port))


@contextmanager
def portkey(core: int, upstream: int) -> Generator[Running]:
    """Portkey's gateway from npm."""
    script = servers.node_package(PORTKEY) / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    port = servers.free_port()
    command = [servers.program("node", "nodejs"), str(script), f"--port={port}", "--headless"]
    environ = {"NODE_ENV": "production"}
    headers = {
        "authorization": f"Bearer {KEY}",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1",
    }
    with servers.Server("Portkey", command, core=core, port=port, environ=environ) as server:
        yield Running(server, load.Door(port=port, headers=headers))


LITELLM_SETTINGS = """
model_list:
  - model_name: mock
    litellm_params:
      model: openai/mock
      api_base: http://127.0.0.1:{upstream}/v1
      api_key: sk-none
general_settings:
  master_key: {key}
litellm_settings:
  telemetry: false
  use_chat_completions_url_for_anthropic_messages: true
"""


@contextmanager
def litellm(core: int, upstream: int) -> Generator[Running]:
    """LiteLLM's proxy: one worker, no database, the master key checked."""
    python = servers.python_environment("litellm", LITELLM)
    port = servers.free_port()
    key = f"sk-{KEY}"
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings.yaml"
        settings.write_text(LITELLM_SETTINGS.format(upstream=upstream, key=key))
        command = [
            str(python.parent / "litellm"),
            "--config",
            str(settings),
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        command += ["--num_workers", "1"]
        environ = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"}
        server = servers.Server(
            "LiteLLM", command, core=core, port=port, ready="/health/liveliness", environ=environ, wait_s=120
        )
        with server:
            yield Running(server, load.Door(port=port, headers={"authorization": f"Bearer {key}"}))


ZHONGSHU_SETTINGS = """
profile = "none"
home = {home}

[server]
host = "127.0.0.1"
port = {port}
workers = 1
max_in_flight = 4000

[access]
key_requests_per_minute = 100000000
key_tokens_per_minute = 100000000000
key_concurrency = 4000
tenant_requests_per_minute = 100000000
tenant_tokens_per_minute = 100000000000
tenant_concurrency = 4000

[label]
producer = "001191110000MA0000000H1ZS01"
"""

TO_THE_MOCK = """
[[upstreams]]
name = "mock"
kind = "openai-compatible"
key = "none"
base_url = "http://127.0.0.1:{upstream}/v1"

[[models]]
name = "mock"
upstream = "mock"
"""

TROUBLED = "troubled"
TO_TROUBLE = f"""
[[upstreams]]
name = "{TROUBLED}"
kind = "openai-compatible"
key = "none"
base_url = "http://127.0.0.1:{{upstream}}/v1"

[[models]]
name = "{TROUBLED}"
upstream = "{TROUBLED}"
upstream_model = "mock"
"""
"""For trouble that is asked for: an upstream that says Retry-After rests, and must not take others' turns with it."""


@contextmanager
def started_zhongshu(core: int, settings: str, model: str, wait_s: float = 60.0) -> Generator[Running]:
    """Zhongshu as its command line starts it, everything on the one core; `settings` follow the common ones."""
    port = servers.free_port()
    with tempfile.TemporaryDirectory(dir=servers.cache()) as folder:
        file = Path(folder) / "zhongshu.toml"
        home = json.dumps(str(Path(folder) / "home"))
        file.write_text(ZHONGSHU_SETTINGS.format(home=home, port=port) + settings)
        command = [servers.own_program("zhongshu"), "up", "--config", str(file)]
        environ = {"ZHONGSHU_FIRST_KEY": KEY}
        server = servers.Server(
            "Zhongshu", command, core=core, port=port, ready="/readyz", environ=environ, wait_s=wait_s
        )
        with server:
            door = load.Door(port=port, headers={"authorization": f"Bearer {KEY}"}, model=model)
            yield Running(server, door, file)


@contextmanager
def zhongshu(core: int, upstream: int) -> Generator[Running]:
    """Zhongshu in front of the mock upstream: one worker, key check, limits, label and durable journal on."""
    with started_zhongshu(core, (TO_THE_MOCK + TO_TROUBLE).format(upstream=upstream), "mock") as running:
        yield running


ALL = {"nginx": nginx, "bare": bare, "portkey": portkey, "litellm": litellm, "zhongshu": zhongshu}
TITLES = {
    "nginx": "nginx",
    "bare": "bare Python proxy",
    "portkey": "Portkey 1.15.2",
    "litellm": "LiteLLM 1.100.5",
    "zhongshu": "Zhongshu",
}
