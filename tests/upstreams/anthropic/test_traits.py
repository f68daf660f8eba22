"""Which generation of Claude a name means (Anthropic's list of models, 2026-11-22)."""

import pytest

from zhongshu.upstreams.anthropic.traits import traits_of


@pytest.mark.parametrize(
    ("name", "thinking", "off", "sampling", "forced", "schema"),
    [
        ("claude-3-7-sonnet-20250219", "budget", "disabled", True, True, False),
        ("claude-sonnet-4-20250514", "budget", "disabled", True, True, False),
        ("claude-opus-4-1-20250805", "budget", "disabled", True, True, True),
        ("claude-haiku-4-5-20251001", "budget", "disabled", True, True, True),
        ("claude-opus-4-5", "budget", "disabled", True, True, True),
        ("anthropic/claude-opus-4.6", "adaptive", "disabled", True, True, True),
        ("claude-opus-4-7", "adaptive", "disabled", False, True, True),
        ("claude-opus-4-8", "adaptive", "disabled", False, True, True),
        ("claude-sonnet-5", "adaptive", "disabled", False, True, True),
        ("us.anthropic.claude-opus-5-v1:0", "adaptive", "disabled", False, True, True),
        ("claude-sonnet-5-5", "adaptive", "between_tools", False, False, True),
        ("claude-haiku-5-5", "adaptive", "disabled", False, True, True),
        ("claude-opus-5-5", "adaptive", "", False, False, True),
        ("claude-fable-5-1", "adaptive", "", False, False, True),
        ("claude-fable-5", "adaptive", "", False, True, True),
        ("claude-fable-5-20260601", "adaptive", "", False, True, True),
        ("claude-fable-5.2", "adaptive", "", False, False, True),
        ("claude-mythos-preview", "adaptive", "", False, True, True),
        ("claude-opus-6", "adaptive", "", False, False, True),
        ("claude-haiku-6", "adaptive", "disabled", False, True, True),
        ("claude-sonnet-6", "adaptive", "between_tools", False, False, True),
        ("deepseek-chat", "budget", "disabled", True, True, False),
        ("mock", "budget", "disabled", True, True, False),
    ],
)
def test_traits(name: str, thinking: str, off: str, sampling: bool, forced: bool, schema: bool):
    found = traits_of(name)
    assert (found.thinking, found.off, found.sampling, found.forced, found.schema) == (
        thinking, off, sampling, forced, schema,
    )  # fmt: skip
