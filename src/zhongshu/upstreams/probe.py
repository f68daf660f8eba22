"""Whether an upstream can be asked, how long that takes, and how to mend it when it cannot."""

from __future__ import annotations

import os
from collections.abc import Mapping
from time import perf_counter

import msgspec

from zhongshu.core.problems import Fault
from zhongshu.upstreams.registry import KeyProblem, base_url_of, key_source, open_upstream
from zhongshu.upstreams.settings import UpstreamSettings


class Probe(msgspec.Struct, frozen=True):
    """What was found. first_ms: with connecting; kept_ms: on the same connection. models: how many it lists, None
    when it has no list. missing: models named in settings that it does not list. problem: a code, or empty."""

    name: str
    address: str
    ok: bool
    first_ms: float | None = None
    kept_ms: float | None = None
    models: int | None = None
    missing: tuple[str, ...] = ()
    problem: str = ""
    why: str = ""
    why_zh: str = ""
    mend: str = ""
    mend_zh: str = ""


async def probe(row: UpstreamSettings, environ: Mapping[str, str] = os.environ) -> Probe:
    """Ask for the list of models twice. Costs nothing at any provider."""
    address = base_url_of(row)
    try:
        upstream = open_upstream(row, environ)
    except KeyProblem as error:
        return Probe(row.name, address, ok=False, problem="key", why=error.en, why_zh=error.zh)
    try:
        started = perf_counter()
        listed = await upstream.models()
        between = perf_counter()
        await upstream.check()
        ended = perf_counter()
    except Fault as fault:
        problem = fault.problem
        mend, mend_zh = _mend(problem.code, row)
        return Probe(
            row.name,
            address,
            ok=False,
            problem=problem.code,
            why=problem.message,
            why_zh=problem.message_zh,
            mend=mend,
            mend_zh=mend_zh,
        )
    finally:
        await upstream.aclose()
    missing = tuple(model for model in row.models if listed is not None and model not in listed)
    return Probe(
        row.name,
        address,
        ok=not missing,
        first_ms=round((between - started) * 1000, 1),
        kept_ms=round((ended - between) * 1000, 1),
        models=None if listed is None else len(listed),
        missing=missing,
        mend=f"It does not list {', '.join(missing)}; correct `models` of this upstream." if missing else "",
        mend_zh=f"它没有列出 {'、'.join(missing)}；请更正该上游的 `models`。" if missing else "",
    )


def _mend(code: str, row: UpstreamSettings) -> tuple[str, str]:
    """What to do about it."""
    match code:
        case "upstream_unreachable":
            through = f" and the proxy {row.proxy}" if row.proxy else ""
            through_zh = f"以及代理 {row.proxy}" if row.proxy else ""
            return (
                f"Is it running, and is {base_url_of(row)} its address? Check the network{through}; a service with a "
                "certificate of your own needs `ca_file`.",
                f"它在运行吗？地址是否为 {base_url_of(row)}？请检查网络{through_zh}；使用自签证书的服务需设置 `ca_file`。",
            )
        case "upstream_auth":
            source = key_source(row)
            return f"Put a valid key into {source}.", f"请在 {source} 中放入有效的密钥。"
        case "upstream_timeout":
            return (
                "Try again; if it stays slow, raise `connect_s` or `first_byte_s` of this upstream.",
                "请重试；若一直很慢，请调高该上游的 `connect_s` 或 `first_byte_s`。",
            )
        case "upstream_malformed" | "upstream_error" | "upstream_refused":
            return (
                "Does `base_url` end with the version, such as /v1, and is it an OpenAI-compatible service?",
                "`base_url` 是否以版本（如 /v1）结尾？它是否为 OpenAI 兼容服务？",
            )
        case _:
            return "", ""
