"""When a limit says to come back: never a moment too early, and the same in the sentence as in the figure."""

import pytest

from zhongshu.access.refusals import refusal
from zhongshu.storage.leases import Denied, Rate


@pytest.mark.parametrize(("wait_s", "said"), [(0.2, 1), (1.0, 1), (1.01, 2), (61.3, 62), (62.0, 62), (None, 1)])
def test_a_wait_is_rounded_up_to_whole_seconds(wait_s: float | None, said: int) -> None:
    told = refusal(Denied(Rate("key/k_1/requests", 2), wait_s), None).problem
    assert told.retry_after_s == said
    assert told.message.endswith(f"Try again in {said} s.")
    assert told.message_zh.endswith(f"请在 {said} 秒后重试。")
