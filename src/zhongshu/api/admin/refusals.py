"""What FastAPI and our rooms raise -> our problems, in OpenAI's error form and the caller's language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from zhongshu.api.admin.door import TRACE
from zhongshu.api.errors import error_headers, prefers_chinese
from zhongshu.api.openai.errors import error_body
from zhongshu.core.problems import Fault, Problem, Said, problem

# pydantic's reasons in Chinese, by its own names for them; what is not here is said in English.
_REASONS = {
    "bool_parsing": "应为 true 或 false",
    "bool_type": "应为 true 或 false",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "int_from_float": "应为整数",
    "float_parsing": "应为数字",
    "float_type": "应为数字",
    "finite_number": "应为有限的数字",
    "string_type": "应为字符串",
    "string_unicode": "应为合法的 Unicode 字符串",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "应符合格式 {pattern}",
    "list_type": "应为数组",
    "tuple_type": "应为数组",
    "too_short": "至少 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than_equal": "应不大于 {le}",
    "amount": "应为金额，例如 12.50，不能为负，最多 9 位小数",
    "datetime_parsing": "应为 ISO 8601 时间，例如 2026-11-21T08:00:00Z",
    "datetime_from_date_parsing": "应为 ISO 8601 时间",
    "model_attributes_type": "应为 JSON 对象",
    "dict_type": "应为 JSON 对象",
}


_QUOTED = re.compile(r"'([^']*)'")
_UNKNOWN = Said("there is no such field; see /docs for those there are", "没有这个字段；可用字段见 /docs")


class Taken(NamedTuple):
    """An address and the methods it takes."""

    path: re.Pattern[str]
    methods: frozenset[str]


def install(app: FastAPI, taken: Sequence[Taken], max_body_bytes: int) -> None:
    """Answer every exception that has a meaning of ours. taken: every address, to say what would have been right."""

    def _http(request: Request, error: Exception) -> Response:
        status = cast("HTTPException", error).status_code
        if status != 405:
            return answer(request, _of_http(status, max_body_bytes))
        allowed = ", ".join(sorted({m for path, methods in taken if path.match(request.url.path) for m in methods}))
        response = answer(request, problem("method_not_allowed", method=request.method, allowed=allowed))
        response.headers["allow"] = allowed
        return response

    def _validation(request: Request, error: Exception) -> Response:
        return answer(request, of_validation(cast("RequestValidationError", error), request.headers))

    def _fault(request: Request, error: Exception) -> Response:
        return answer(request, cast("Fault", error).problem)

    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Fault, _fault)


def answer(request: Request, what: Problem) -> Response:
    """A problem as a response."""
    trace = request.scope[TRACE]
    body = error_body(what, chinese=prefers_chinese(request.scope), trace=trace)
    response = Response(body, what.status)
    for name, value in error_headers(what, ""):
        response.headers[name.decode()] = value.decode()
    response.headers["x-zhongshu-trace"] = trace
    return response


def _of_http(status: int, max_body_bytes: int) -> Problem:
    match status:
        case 413:
            return problem("body_too_large", limit=max_body_bytes)
        case 400:
            return problem("invalid_json", why=Said("it cannot be read", "无法读取"))
        case _:
            return problem("not_found")


def of_validation(error: RequestValidationError, headers: Mapping[str, str]) -> Problem:
    """The first thing that is wrong, with its field; never the value that was sent."""
    first = cast("Mapping[str, Any]", error.errors()[0])
    kind, where = str(first["type"]), tuple(cast("tuple[str | int, ...]", first["loc"]))
    if kind == "json_invalid":
        return problem("invalid_json", why=Said(str(first["ctx"]["error"]), "语法有误"))
    field = _field(where)
    if kind == "missing":
        return problem("missing_field", param=field, field=field)
    if where == ("body",) and "json" not in headers.get("content-type", ""):
        return problem("unsupported_media_type")
    if kind == "extra_forbidden":
        return problem("invalid_value", param=field, field=field, why=_UNKNOWN)
    return problem("invalid_value", param=field, field=field, why=_said(kind, str(first["msg"]), first.get("ctx", {})))


def _said(kind: str, english: str, facts: Mapping[str, Any]) -> Said:
    """What pydantic says, in both languages."""
    if kind == "literal_error":
        listed = cast("list[str]", _QUOTED.findall(facts["expected"]))
        named, empty = "、".join(f'"{one}"' for one in listed if one), "；也可留空" if "" in listed else ""
        return Said(_plain(english).replace(" or ''", " or empty"), f"应为以下之一：{named}{empty}")
    english = english.rstrip(".")
    return Said(_plain(english), _REASONS[kind].format(**facts) if kind in _REASONS else english)


def _plain(english: str) -> str:
    return english[:1].lower() + english[1:]


def _field(where: tuple[str | int, ...]) -> str:
    """("body", "models", 0) -> "models[0]"; the body itself is "body"."""
    path = ""
    for step in where[1:]:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    return path or str(where[0])
