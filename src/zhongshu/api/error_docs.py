"""docs/errors.md, written from the rows of core/problems/.

    python -m zhongshu.api.error_docs > docs/errors.md

A sentence of ours says what is wrong and then what to do. Where a problem's sentence only says what is wrong, because
the remedy is not the caller's, the remedy stands here.
"""

from __future__ import annotations

import re
import sys

from zhongshu.core.problems import Documented, documented

_INTRODUCTION = """# Errors

Every error of the HTTP API has OpenAI's form, so that its SDKs raise what they always raise:

```json
{
  "error": {
    "message": "Field `max_tokens` is not usable: give a whole number of at least 1, not a text.",
    "type": "invalid_request_error",
    "param": "max_tokens",
    "code": "invalid_value"
  },
  "zhongshu": {
    "trace": "01a2006c53ec970d7a8df6587d4d5db7",
    "message_zh": "字段 `max_tokens` 不可用：请填写不小于 1 的整数，而不是文本。"
  }
}
```

Decide by `code`, never by `message`: messages may be reworded. `message` is in Chinese when `Accept-Language` starts
with `zh`. `zhongshu.trace` (also the header `x-zhongshu-trace`) finds the turn with `zhongshu ledger show`. A 429 or
503 with `Retry-After` (and `retry-after-ms`) may be sent again after that time. In a stream that has begun, the error
comes as one event before `data: [DONE]`.

The same codes are used by the command line, which prints the sentence and leaves with status 1.

This file is written by `python -m zhongshu.api.error_docs > docs/errors.md`; a test holds it against the code.

本文件由程序生成。请依据 `code` 判断错误，不要依据 `message`；`Accept-Language` 以 `zh` 开头时，`message` 为中文。
"""

_REMEDIES: dict[str, tuple[str, str]] = {
    "missing_field": ("Add the field.", "请补上该字段。"),
    "invalid_value": ("Correct the field as the message says.", "请按提示修改该字段。"),
    "method_not_allowed": ("Use one of the methods named.", "请使用提示中的方法。"),
    "unsupported_media_type": ("Send the header.", "请加上该请求头。"),
    "forbidden": ("Use a key that may; an administrator can make one.", "请使用有权限的密钥，可请管理员创建。"),
    "model_cannot": ("Ask a model that can: its card is in GET /v1/models.", "请改用支持的模型，见 GET /v1/models。"),
    "upstream_timeout": (
        "Send it again; if it stays so, raise the upstream's timeouts or ask for less.",
        "请重试；若持续出现，请调高该上游的超时，或减少请求内容。",
    ),
    "upstream_error": ("Send it again; see the provider's status.", "请重试，并查看服务商的状态。"),
    "upstream_refused": ("Change the request as the upstream says.", "请按上游的说明修改请求。"),
    "upstream_rate_limited": (
        "Wait for Retry-After, or have the provider raise the limit.",
        "请按 Retry-After 等待，或请服务商提高限额。",
    ),
    "upstream_malformed": (
        "Send it again; if it stays so, the address is perhaps not an API: `zhongshu doctor`.",
        "请重试；若持续出现，该地址可能不是 API，请运行 `zhongshu doctor`。",
    ),
    "upstream_cut": ("Send it again.", "请重新发送请求。"),
    "engine_unavailable": ("See `zhongshu doctor`.", "请运行 `zhongshu doctor`。"),
    "internal_error": ("Look it up, and report it.", "请在日志中查找，并反馈问题。"),
}

_EN_SENTENCE = re.compile(r"(?<=[.!])\s+(?=[A-Z`{])")
_ZH_SENTENCE = re.compile(r"(?<=[。！])(?=.)")
_ZH_CLAUSE = re.compile(r"[，；](?=请)")
_CODE = re.compile(r"`([^`]*)`")
_BLANK = re.compile(r"\{(\w+)[^}]*\}")


def page() -> str:
    """The whole file."""
    return f"{_INTRODUCTION}\n{_table_en()}\n{_table_zh()}"


def _table_en() -> str:
    rows = "".join(
        f"| `{row.code}` | {row.status} | `{row.type}` | {_cell(what)} | {_cell(todo)} |\n"
        for row, (what, todo) in ((row, halves(row, chinese=False)) for row in documented())
    )
    return f"## In English\n\n| code | status | type | what is wrong | what to do |\n|---|---|---|---|---|\n{rows}"


def _table_zh() -> str:
    rows = "".join(
        f"| `{row.code}` | {row.status} | {_cell(what)} | {_cell(todo)} |\n"
        for row, (what, todo) in ((row, halves(row, chinese=True)) for row in documented())
    )
    return f"## 中文\n\n| 代码 | 状态码 | 含义 | 处理办法 |\n|---|---|---|---|\n{rows}"


def halves(row: Documented, *, chinese: bool) -> tuple[str, str]:
    """What is wrong and what to do; the second is empty only for a code that has no remedy anywhere."""
    cut = _ZH_SENTENCE if chinese else _EN_SENTENCE
    what, *rest = cut.split(row.zh if chinese else row.en, maxsplit=1)
    known = _REMEDIES.get(row.code)
    if known:
        return row.zh if chinese else row.en, known[chinese]
    if chinese and not rest:
        what, *rest = _ZH_CLAUSE.split(what, maxsplit=1)
    return what, "".join(rest)


def _cell(text: str) -> str:
    """Blanks in italics, or as <blank> inside code."""
    return _BLANK.sub(r"*\1*", _CODE.sub(_code, text)).replace("|", "\\|")


def _code(found: re.Match[str]) -> str:
    inside = found[1]
    return inside if _BLANK.fullmatch(inside) else "`" + _BLANK.sub(r"<\1>", inside) + "`"


if __name__ == "__main__":
    sys.stdout.write(page())
