"""Access settings say what is wrong with a value."""

import pytest

from zhongshu.access.settings import AccessSettings


def test_by_default_nothing_is_limited():
    settings = AccessSettings()
    assert settings.key_limits.requests_per_minute is None
    assert settings.tenant_limits.concurrency is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key_requests_per_minute", -1),
        ("tenant_tokens_per_minute", -5),
        ("tenant_concurrency", -1),
        ("poll_s", 1.5),
        ("poll_s", 0.0),
        ("settle_s", 2.0),
        ("cached_keys", 0),
    ],
)
def test_a_bad_value_is_named_in_both_languages(field: str, value: float):
    with pytest.raises(ValueError, match=f"^.*{field}: give") as caught:
        AccessSettings(**{field: value})
    assert len(caught.value.args) == 2
