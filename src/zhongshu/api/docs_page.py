"""The page at /docs: every address with its fields and a command to paste, in Chinese or English, from the OpenAPI
document. One self-contained page: no script, nothing from another host, so that it works where there is no network.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

Json = dict[str, Any]
_METHODS = ("get", "post", "patch", "put", "delete")

_STYLE = """
:root{--ink:#1d2330;--soft:#667085;--line:#e4e7ec;--paper:#fff;--ground:#f6f7f9;--accent:#2f54eb}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8ee;--soft:#98a2b3;--line:#2b3140;--paper:#171b24;--ground:#0f131a;
--accent:#85a5ff}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);
font:15px/1.6 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
main,header{max-width:60rem;margin:0 auto;padding:0 1.25rem}header{padding-top:2.5rem}h1{margin:0;font-size:1.7rem}
h2{margin:2.25rem 0 .5rem;font-size:1.1rem}p{margin:.4rem 0;color:var(--soft)}
details{background:var(--paper);border:1px solid var(--line);border-radius:.6rem;margin:.45rem 0}
summary{cursor:pointer;padding:.6rem .9rem;display:flex;gap:.7rem;align-items:baseline;flex-wrap:wrap}
summary::-webkit-details-marker{display:none}summary>span{color:var(--soft)}
code,pre{font:13px/1.55 ui-monospace,"SF Mono",Menlo,Consolas,monospace}
b{font:600 11px/1 ui-monospace,monospace;color:#fff;background:var(--accent);padding:.3em .5em;border-radius:.3em;
min-width:3.6em;text-align:center}b.post{background:#389e0d}b.patch{background:#d46b08}
pre{margin:.6rem 0;padding:.8rem;overflow-x:auto;background:var(--ground);border-radius:.4rem}
section{padding:0 .9rem .7rem;border-top:1px solid var(--line)}table{border-collapse:collapse;width:100%;margin:.5rem 0}
td{padding:.25rem .6rem .25rem 0;vertical-align:top;border-bottom:1px solid var(--line);font-size:13.5px}
footer{padding:2rem 0;color:var(--soft);font-size:13px}a{color:var(--accent)}
"""


def docs_page(document: Json, *, chinese: bool, base: str) -> str:
    """The page. base: the address to put into examples."""
    page = _Page(document, chinese, base)
    title = escape(document["info"]["title"])
    sections = "".join(page.section(tag) for tag in document["tags"])
    return (
        f'<!doctype html><html lang="{"zh" if chinese else "en"}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><header><h1>{title} "
        f"<small>{escape(document['info']['version'])}</small></h1><p>{page.t(*_INTRODUCTION)}</p>"
        f"<pre>export ZHONGSHU_KEY=zs_...</pre></header>"
        f"<main>{sections}<footer>{page.t(*_END)}</footer></main></body></html>"
    )


_INTRODUCTION = (
    "Every address of this installation. Use any OpenAI client with this base URL and your key; add "
    "<code>Accept-Language: zh</code> to read errors in Chinese. Addresses under <code>/admin</code> need a key with "
    "role admin.",
    "本服务的全部接口。任意 OpenAI 客户端填入此地址和密钥即可使用；加上 <code>Accept-Language: zh</code>，"
    "错误信息以中文返回。<code>/admin</code> 下的接口需要 admin 角色的密钥。",
)
_END = (
    'For programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).',
    '供程序使用：<a href="/openapi.json">/openapi.json</a>（OpenAPI 3.1）。',
)


class _Page:
    def __init__(self, document: Json, chinese: bool, base: str) -> None:
        self._document = document
        self._chinese = chinese
        self._base = base

    def t(self, en: str, zh: str) -> str:
        return zh if self._chinese else en

    def section(self, tag: Json) -> str:
        title = self.t(tag["description"], tag["x-description-zh"])
        rows = [
            self._operation(path, method, operations[method])
            for path, operations in self._document["paths"].items()
            for method in _METHODS
            if method in operations and operations[method]["tags"] == [tag["name"]]
        ]
        return f"<h2>{escape(title)}</h2>{''.join(rows)}" if rows else ""

    def _operation(self, path: str, method: str, operation: Json) -> str:
        summary = self.t(operation["summary"], operation.get("x-summary-zh", operation["summary"]))
        body = operation.get("requestBody")
        given: Json = next(iter(body["content"].values())) if body else {}
        schema: Json = self._resolve(given["schema"]) if body else {}
        in_json = body is not None and "application/json" in body["content"]
        example: Json | None = given.get("example") or _example(self, schema) if in_json else None
        fields = self._parameters(operation) + self._fields(schema)
        table = f"<table>{''.join(fields)}</table>" if fields else ""
        command = self._command(path, method, operation, example)
        return (
            f'<details><summary><b class="{method}">{method.upper()}</b><code>{escape(path)}</code>'
            f"<span>{escape(summary)}</span></summary><section>{table}<pre>{escape(command)}</pre></section></details>"
        )

    def _parameters(self, operation: Json) -> list[str]:
        return [
            self._row(p["name"], p["schema"], required=p.get("required", False), about=p.get("description", ""))
            for p in operation.get("parameters", ())
        ]

    def _fields(self, schema: Json) -> list[str]:
        required = schema.get("required", ())
        return [
            self._row(name, field, required=name in required, about=field.get("description", ""))
            for name, field in schema.get("properties", {}).items()
        ]

    def _row(self, name: str, schema: Json, *, required: bool, about: str) -> str:
        must = self.t("required", "必填") if required else ""
        about = about or schema.get("description", "")
        return (
            f"<tr><td><code>{escape(name)}</code></td><td>{escape(_kind(schema))}</td>"
            f"<td>{must}</td><td>{escape(about)}</td></tr>"
        )

    def _command(self, path: str, method: str, operation: Json, example: Json | None) -> str:
        for parameter in operation.get("parameters", ()):
            shown = parameter.get("example") or next(iter(parameter["schema"].get("examples", ())), "NAME")
            path = path.replace("{" + parameter["name"] + "}", str(shown))
        lines = [f"curl {'' if method == 'get' else f'-X {method.upper()} '}{self._base}{path}"]
        if operation.get("security") != [{}]:
            lines.append('-H "Authorization: Bearer $ZHONGSHU_KEY"')
        if example is not None:
            text = json.dumps(example, ensure_ascii=False).replace("'", "'\\''")
            lines += ["-H 'Content-Type: application/json'", f"-d '{text}'"]
        return " \\\n  ".join(lines)

    def _resolve(self, schema: Json) -> Json:
        name = schema.get("$ref", "").rpartition("/")[2]
        return self._document["components"]["schemas"][name] if name else schema

    resolve = _resolve


def _example(page: _Page, schema: Json) -> Json:
    """A body: the schema's own example, or its required fields."""
    schema = page.resolve(schema)
    if schema.get("examples"):
        return schema["examples"][0]
    return {name: _value(schema["properties"][name]) for name in schema.get("required", ())}


def _value(schema: Json) -> object:
    if schema.get("examples"):
        return schema["examples"][0]
    values: Json = {"integer": 1, "array": [], "object": {}, "boolean": True}
    return values.get(schema.get("type", ""), "...")


def _kind(schema: Json) -> str:
    """A field's type in a few characters."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " | ".join(_kind(option) for option in schema["anyOf"] if option.get("type") != "null")
    if schema.get("type") == "array":
        return f"{_kind(schema.get('items', {}))}[]"
    return str(schema.get("format") or schema.get("type", ""))
