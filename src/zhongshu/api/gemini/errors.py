"""Problems -> Google's error object (google.rpc.Status in JSON), in the caller's language."""

from __future__ import annotations

from typing import Any

import msgspec

from zhongshu.core.problems import Problem

# The canonical code of each HTTP status (google/rpc/code.proto).
STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPE = "type.googleapis.com/google.rpc."
_encode = msgspec.json.Encoder().encode


def error_body(problem: Problem, *, chinese: bool = False, trace: str = "") -> bytes:
    """`{"error": {"code", "message", "status", "details"}}`. The details hold our code, the field and when to try
    again, in the types that Google's own clients read."""
    message = problem.message_zh if chinese else problem.message
    details: list[dict[str, Any]] = [
        {"@type": _TYPE + "ErrorInfo", "reason": problem.code.upper(), "domain": "zhongshu", "metadata": {}}
    ]
    if problem.param:
        violation = {"field": problem.param, "description": message}
        details.append({"@type": _TYPE + "BadRequest", "fieldViolations": [violation]})
    if problem.retry_after_s is not None:
        details.append({"@type": _TYPE + "RetryInfo", "retryDelay": f"{problem.retry_after_s:.3f}s"})
    status = STATUS.get(problem.status, "INTERNAL" if problem.status >= 500 else "INVALID_ARGUMENT")
    error = {"code": problem.status, "message": message, "status": status, "details": details}
    return _encode({"error": error, "zhongshu": {"trace": trace or None, "message_zh": problem.message_zh}})
