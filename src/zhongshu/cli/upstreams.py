"""`zhongshu upstreams`: the places that answer, whether they can be reached, and one to try things with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from zhongshu.cli import upstream_health
from zhongshu.cli.managing import ConfigOption, examples, settings
from zhongshu.cli.output import JsonOption, err, fail, out, print_json, print_table
from zhongshu.cli.words import chinese, t

if TYPE_CHECKING:
    from zhongshu.upstreams.probe import Probe
    from zhongshu.upstreams.settings import UpstreamSettings

app = typer.Typer(
    no_args_is_help=True,
    help=t("Places that answer: list them, check them, try one.", "给出回答的地方：列出、检查、试用。"),
)
NameArgument = typer.Argument(metavar="NAME", help=t("The upstream's name.", "上游名称。"))
ScriptOption = typer.Option(None, "--script", help=t("A TOML file with more models.", "含更多模型的 TOML 文件。"))
OptionalName = typer.Argument(None, metavar="[NAME]", help=t("One upstream; default: all.", "某个上游；默认全部。"))


@app.command(
    "list",
    help=t("List the upstreams of the settings.", "列出设置中的上游。"),
    epilog=examples("zhongshu upstreams list", "zhongshu upstreams list --json | jq '.[].name'"),
)
def list_upstreams(config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    rows = [_facts(row) for row in settings(config).upstreams]
    if as_json:
        return print_json(rows)
    if not rows:
        return out.print(
            t(
                "No upstream is set up; local models answer by themselves. Add one with [[upstreams]] in the "
                "settings; `zhongshu upstreams known` shows the services known by name.",
                "尚未配置上游；本地模型可独立回答。请在设置中用 [[upstreams]] 添加；`zhongshu upstreams known` "
                "列出已知的服务。",
            ),
            markup=False,
        )
    columns = [t("name", "名称"), t("address", "地址"), t("key", "密钥"), t("models", "模型")]
    print_table(columns, [[r["name"], r["address"], _key_words(r), ", ".join(r["models"])] for r in rows])
    return None


@app.command(
    help=t("Show one upstream with every value in effect.", "显示某个上游的全部生效值。"),
    epilog=examples("zhongshu upstreams show deepseek", "zhongshu upstreams show deepseek --json"),
)
def show(name: str = NameArgument, config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    facts = _facts(_find(settings(config).upstreams, name))
    if as_json:
        return print_json(facts)
    for field, value in facts.items():
        if value not in (None, "", [], {}):
            shown = ", ".join(cast("list[str]", value)) if isinstance(value, list) else value
            out.print(f"{field:16} {shown}", markup=False, highlight=False, soft_wrap=True)
    return None


@app.command(
    help=t(
        "Ask each upstream for its list of models: can it be reached, is the key good, how long does it take. "
        "Costs nothing.",
        "向每个上游请求模型列表：能否连通、密钥是否有效、耗时多少。不产生费用。",
    ),
    epilog=examples("zhongshu upstreams check", "zhongshu upstreams check deepseek --json"),
)
def check(name: str | None = OptionalName, config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    import asyncio

    rows = settings(config).upstreams
    found = asyncio.run(_probe([_find(rows, name)] if name else list(rows)))
    if as_json:
        print_json(found)
    elif not found:
        out.print(t("No upstream is set up.", "尚未配置上游。"))
    for probe in () if as_json else found:
        _print_probe(probe)
    if not all(probe.ok for probe in found):
        raise typer.Exit(1)


@app.command(
    help=t("List the services known by name.", "列出已知名称的服务。"),
    epilog=examples("zhongshu upstreams known", "zhongshu upstreams known --json | jq .deepseek"),
)
def known(as_json: bool = JsonOption) -> None:
    from zhongshu.upstreams.rows import ROWS

    if as_json:
        return print_json(ROWS)
    for name, row in ROWS.items():
        key = f"env:{row.key_env}" if row.key_env else t("no key needed", "不需要密钥")
        note = t(row.note, row.note_zh)
        lines = [f"{name:12} {row.base_url}  {key}", *([f"{'':12} {note}"] if note else [])]
        out.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    out.print(
        t(
            '\nTo use one, put this into the settings:\n\n[[upstreams]]\nname = "deepseek"\nmodels = ["deepseek-chat"]',
            '\n使用时请在设置中写入：\n\n[[upstreams]]\nname = "deepseek"\nmodels = ["deepseek-chat"]',
        ),
        markup=False,
        highlight=False,
    )
    return None


@app.command(
    help=t(
        "Run a scripted upstream: answers, delays, errors and cuts on demand, by model name.",
        "运行一个脚本化的上游：按模型名给出回答、延迟、错误与中断。",
    ),
    epilog=examples(
        "zhongshu upstreams mock --port 9009",
        "zhongshu upstreams mock --script my.toml",
        "zhongshu upstreams mock --models",
    ),
)
def mock(
    host: str = typer.Option("127.0.0.1", "--host", help=t("Address to listen on.", "监听地址。")),
    port: int = typer.Option(
        9009, "--port", min=0, max=65535, help=t("Port; 0 lets the system choose.", "端口；0 由系统选择。")
    ),
    script: Path | None = ScriptOption,
    models: bool = typer.Option(False, "--models", help=t("Only list what it can do.", "只列出它的全部行为。")),
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.upstreams.scripted.app import ScriptedApp
    from zhongshu.upstreams.scripted.script import SHIPPED, Script, load
    from zhongshu.upstreams.scripted.serve import bound, run

    try:
        loaded = load(script) if script else Script()
    except ValueError as error:
        fail(f"The script cannot be used: {error}", f"脚本无法使用：{error}")
    behaviours = {**SHIPPED, **loaded.models}
    if models:
        return print_json(behaviours) if as_json else print_table([t("model", "模型")], [[name] for name in behaviours])
    try:
        listening = bound(host, port)
    except OSError as error:
        fail(
            f"Port {port} of {host} cannot be used ({error.strerror}). Choose another with --port.",
            f"无法使用 {host} 的端口 {port}（{error.strerror}）。请用 --port 换一个。",
        )
    address = f"http://{host}:{listening.getsockname()[1]}"
    if as_json:
        print_json({"address": address, "base_url": f"{address}/v1", "models": list(behaviours)})
    else:
        _introduce(address)
    sys.stdout.flush()  # who reads this through a pipe waits for the address
    run(ScriptedApp(loaded), listening)
    return None


upstream_health.add_to(app)


def _introduce(address: str) -> None:
    title = t(
        f"Scripted upstream at {address}/v1 (Ctrl-C ends it). Try:",
        f"脚本化上游位于 {address}/v1（Ctrl-C 结束）。试试：",
    )
    ask = '{"model":"mock-thought","stream":true,"messages":[]}'
    out.print(
        f"{title}\n\ncurl {address}/v1/chat/completions -d '{ask}'\ncurl {address}/stats\n",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _find(rows: tuple[UpstreamSettings, ...], name: str) -> UpstreamSettings:
    for row in rows:
        if row.name == name:
            return row
    here = ", ".join(row.name for row in rows)
    fail(
        f"There is no upstream `{name}`. "
        + (f"There are: {here}." if here else "None is set up.")
        + " Add one with [[upstreams]] in the settings.",
        f"没有名为 `{name}` 的上游。"
        + (f"现有：{here}。" if here else "尚未配置上游。")
        + "请在设置中用 [[upstreams]] 添加。",
    )


def _facts(row: UpstreamSettings) -> dict[str, Any]:
    """Every value in effect; keys and headers only by where they come from."""
    import msgspec

    from zhongshu.upstreams import registry
    from zhongshu.upstreams.rows import GENERIC

    service, manner = registry.known(row), registry.manner_of(row)
    try:
        registry.read_key(row)
        key_found = True
    except registry.KeyProblem:
        key_found = False
    settings_of: dict[str, Any] = msgspec.to_builtins(row)
    return {
        "name": row.name,
        "kind": row.kind or (row.name if service else GENERIC),
        "service": service.title if service else "",
        "address": registry.base_url_of(row),
        "key": registry.key_source(row),
        "key_found": key_found,
        "models": list(row.models),
        "headers": list(row.headers),
        "thinking": manner.thinking,
        "note": t(service.note, service.note_zh) if service else "",
        **{field: settings_of[field] for field in _LIMIT_FIELDS},
    }


_LIMIT_FIELDS = (
    "organisation",
    "max_connections",
    "connect_s",
    "first_byte_s",
    "idle_s",
    "total_s",
    "max_body_bytes",
    "proxy",
    "ca_file",
)


def _key_words(facts: dict[str, Any]) -> str:
    if facts["key"] == "none":
        return t("none needed", "不需要")
    return facts["key"] if facts["key_found"] else f"{facts['key']} ({t('not set', '未设置')})"


async def _probe(rows: list[UpstreamSettings]) -> list[Probe]:
    import asyncio

    from zhongshu.upstreams.probe import probe

    return await asyncio.gather(*[probe(row) for row in rows])


def _print_probe(probe: Probe) -> None:
    if probe.ok:
        listed = "" if probe.models is None else t(f", {probe.models} models", f"，{probe.models} 个模型")
        line = t(
            f"{probe.name}: reached in {probe.first_ms} ms, then {probe.kept_ms} ms{listed}",
            f"{probe.name}：首次 {probe.first_ms} 毫秒，复用连接 {probe.kept_ms} 毫秒{listed}",
        )
        return out.print(line, style="green", markup=False, highlight=False, soft_wrap=True)
    text = " ".join(part for part in ((probe.why_zh, probe.mend_zh) if chinese() else (probe.why, probe.mend)) if part)
    return err.print(f"{probe.name}: {text}", style="red", markup=False, highlight=False, soft_wrap=True)
