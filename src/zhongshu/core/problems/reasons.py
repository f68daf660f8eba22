"""Reasons that stand inside a sentence, in Chinese: what `why` says in English at the place where it went wrong.

Numbers are blanks, so that one row serves every size: `{}` in the order they stand in. A reason that is put together from
anything else comes as a Said.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d+")

REASONS: dict[str, str] = {
    # what an upstream sent
    "a call's arguments are not UTF-{}": "工具调用的参数不是 UTF-{} 编码",
    "a chunk is not JSON of a chat": "流中的一段不是对话格式的 JSON",
    "a piece is not JSON of a generateContent answer": "流中的一段不是 generateContent 格式的 JSON",
    "a tool call goes on after its end": "工具调用在结束后仍有内容",
    "an embedding is not Base{} of float{}": "向量不是 float{1} 的 Base{0} 编码",
    "an event has no type": "事件没有类型",
    "an event is not JSON": "事件不是 JSON",
    "an event is not JSON of a message": "事件不是 message 格式的 JSON",
    "an event is not JSON of a response": "事件不是 response 格式的 JSON",
    "an event says not what it is": "事件没有说明其类型",
    "one event is over {} bytes": "单个事件超过 {} 字节",
    "the body is not JSON": "响应体不是 JSON",
    "the body is not a chat completion in JSON": "响应体不是对话补全格式的 JSON",
    "the body is not a count of tokens": "响应体不是词元计数",
    "the body is not a generateContent answer": "响应体不是 generateContent 的回答",
    "the body is not a list of embeddings": "响应体不是向量列表",
    "the body is not a list of models": "响应体不是模型列表",
    "the body is not a message in JSON": "响应体不是 message 格式的 JSON",
    "the body is not a response object": "响应体不是 response 对象",
    "the body is not a token count": "响应体不是词元计数",
    "the body is over {} bytes": "响应体超过 {} 字节",
    "the engine answered with status {}": "引擎返回状态 {}",
    "the reply holds no candidates": "响应中没有 candidates",
    "the reply holds no choice": "响应中没有 choice",
    "the reply holds no choices": "响应中没有 choices",
    "the reply holds no content": "响应中没有 content",
    "the reply holds no embeddings": "响应中没有 embeddings",
    "the reply holds no output": "响应中没有 output",
    "the reply is not HTTP/{}.{}": "响应不是 HTTP/{}.{}",
    "the reply's head is too large": "响应头过大",
    "the stream holds no choice": "流中没有 choice",
    # what an administrator or a caller gave
    "a model's name has {} to {} printable ASCII characters and no spaces": "模型名须为 {} 到 {} 个可打印的 ASCII 字符，不含空格",
    "a user belongs to a tenant; name it": "用户属于某个租户，请指明租户",
    "metrics are for this machine or an admin key": "指标仅供本机或 admin 密钥读取",
    "name a model; the budget of a tenant or key covers all of them": "请指明模型；租户或密钥的预算涵盖所有模型",
    "say what the key is for, such as ci": "请说明密钥的用途，例如 ci",
    "that time has already passed": "该时间已过",
    "the local engine cannot keep to its JSON Schema; leave out `not`, look-around in patterns, remote references and "
    "the like": "内置引擎无法遵循该 JSON Schema；请去掉 `not`、正则中的环视、远程引用等",
    "the record is too large": "记录过大",
    "the text key store cannot be used": "文本密钥库无法使用",
    "too little free disk space": "磁盘剩余空间不足",
    "No space left on device": "设备上没有剩余空间",
    "Read-only file system": "文件系统只读",
    "Permission denied": "权限不足",
    "Input/output error": "输入输出错误",
    "File too large": "文件过大",
    "it is closed": "已关闭",
    "use an amount from {} to {}": "请填写 {} 到 {} 的金额",
    "use at most {} printable characters, on one line": "请使用不超过 {} 个可打印字符，且不换行",
    "use letters, digits and . _ - only, at most {}, starting with a letter or digit": "仅限字母、数字和 . _ -，"
    "最多 {} 个，且以字母或数字开头",
    "use {} to {} printable characters, on one line": "请使用 {} 到 {} 个可打印字符，且不换行",
    "use a whole number from {} to {}, or leave it out for no limit": "请填写 {} 到 {} 的整数，不限则省略",
    'use "CNY" or "USD"': '请使用 "CNY" 或 "USD"',
    'use "day", "month" or "total"': '请使用 "day"、"month" 或 "total"',
    'use "user" or "admin"': '请使用 "user" 或 "admin"',
    'use "user" or "model"': '请使用 "user" 或 "model"',
}  # fmt: skip


def in_chinese(why: str) -> str | None:
    """The reason in Chinese; None when there is no row for it."""
    found = REASONS.get(_NUMBER.sub("{}", why))
    return None if found is None else found.format(*_NUMBER.findall(why))
