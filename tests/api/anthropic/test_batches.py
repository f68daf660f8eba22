"""Message batches: what becomes of requests is counted apart, and adds up to what was asked."""

import pytest

from zhongshu.api.anthropic.batches import batch_object
from zhongshu.batches.values import Batch


def batch(status, **fields):
    return Batch(
        id="batch_1", tenant="acme", key_id="k", endpoint="/v1/messages", input_file="file-1", window="24h",
        status=status, created_ns=1, expires_ns=2, metadata={"requests": "10"}, **fields,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("made", "counts"),
    [
        (batch("validating"), {"processing": 10}),
        (batch("in_progress", total=10, completed=3, failed=1), {"processing": 6, "succeeded": 3, "errored": 1}),
        (batch("completed", total=10, completed=9, failed=1), {"succeeded": 9, "errored": 1}),
        (batch("expired", total=10, completed=4, failed=6, expired=5), {"succeeded": 4, "errored": 1, "expired": 5}),
        (batch("cancelling", total=10, completed=4), {"processing": 6, "succeeded": 4}),
        (batch("cancelled", total=10, completed=4, failed=1), {"succeeded": 4, "errored": 1, "canceled": 5}),
        (batch("failed"), {"errored": 10}),
        (batch("failed", total=10, completed=2, failed=1), {"succeeded": 2, "errored": 8}),
    ],
)
def test_requests_are_counted_by_what_became_of_them(made, counts):
    told = batch_object(made)["request_counts"]
    assert told == {**dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0), **counts}
    assert sum(told.values()) == 10
