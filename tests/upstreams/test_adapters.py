"""What each kind of server calls an adapter."""

import pytest

from zhongshu.upstreams.adapters import adapter_name
from zhongshu.upstreams.settings import UpstreamSettings


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("vllm", "", "helpdesk-7"),
        ("mine", "vllm", "helpdesk-7"),
        ("mine", "sglang", "qwen3:helpdesk-7"),
        ("mine", "openai-compatible", "helpdesk-7"),
        ("deepseek", "", None),
        ("openai", "", None),
    ],
)
def test_what_an_adapter_is_called(name, kind, expected):
    row = UpstreamSettings(name=name, kind=kind, base_url="http://127.0.0.1:1/v1", key="none")
    assert adapter_name(row, "qwen3", "helpdesk-7") == expected
