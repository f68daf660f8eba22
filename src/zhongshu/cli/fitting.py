"""`zhongshu models fit`: how much memory a model needs, and which cards hold it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from zhongshu.cli.output import JsonOption, fail, fail_with, out, print_json, print_table
from zhongshu.cli.words import t

if TYPE_CHECKING:
    from zhongshu.engine.models.fit import Fit, Shape

HELP = t(
    "Say how much memory a model needs (weights, KV cache by context and slots, buffers) and which cards hold it.",
    "计算模型所需内存（权重、按上下文与并发的 KV 缓存、缓冲区），以及哪些显卡放得下。",
)
EPILOG = t(
    """
Examples:

- `zhongshu models fit qwen2.5-coder-0.5b`
- `zhongshu models fit qwen3-32b --quant Q4_K_M --context 32768 --slots 8`
- `zhongshu models fit deepseek-r1 --context 65536 --slots 16 --kv q8_0`
- `zhongshu models fit ./my-model.gguf --context 8192`
- `zhongshu models fit --parameters 7.6e9 --quant INT4 --layers 28 --kv-heads 4 --head-dim 128`
- `zhongshu models fit --known`
""",
    """
示例：

- `zhongshu models fit qwen2.5-coder-0.5b`
- `zhongshu models fit qwen3-32b --quant Q4_K_M --context 32768 --slots 8`
- `zhongshu models fit deepseek-r1 --context 65536 --slots 16 --kv q8_0`
- `zhongshu models fit ./my-model.gguf --context 8192`
- `zhongshu models fit --parameters 7.6e9 --quant INT4 --layers 28 --kv-heads 4 --head-dim 128`
- `zhongshu models fit --known`
""",
)
NAME = t(
    "A shipped model, a known big model, or the path of a GGUF file.", "内置模型、已知的大模型，或 GGUF 文件的路径。"
)
ConfigOption = typer.Option(None, "--config", "-c", help=t("The settings file.", "设置文件。"))
KV = t("Type of the KV cache: f16, q8_0, q4_0, ...", "KV 缓存类型：f16、q8_0、q4_0 等。")


def fit(
    name: str | None = typer.Argument(None, help=NAME),
    context: int = typer.Option(4096, "--context", min=1, help=t("Tokens of each request.", "每个请求的词元数。")),
    slots: int = typer.Option(1, "--slots", min=1, help=t("Requests at once.", "同时处理的请求数。")),
    kv: str = typer.Option("f16", "--kv", help=KV),
    quant: str | None = typer.Option(
        None, "--quant", help=t("Weights: BF16, FP8, INT4, Q4_K_M, ...", "权重量化：BF16、FP8、INT4、Q4_K_M 等。")
    ),
    parameters: float | None = typer.Option(None, "--parameters", help=t("Such as 7.6e9.", "例如 7.6e9。")),
    layers: int | None = typer.Option(None, "--layers", min=1, help=t("Layers.", "层数。")),
    kv_heads: int | None = typer.Option(None, "--kv-heads", min=1, help=t("KV heads.", "KV 头数。")),
    head_dim: int = typer.Option(128, "--head-dim", min=1, help=t("Size of a head.", "每个头的维度。")),
    known: bool = typer.Option(False, "--known", help=t("List the known big models.", "列出已知的大模型。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.engine.models import fit as sums

    if known:
        _show_known(as_json=as_json)
        return
    if kv not in sums.KV_TYPES:
        raise typer.BadParameter(", ".join(sums.KV_TYPES), param_hint="--kv")
    if quant is not None and quant.upper() not in sums.BITS:
        raise typer.BadParameter(", ".join(sums.BITS), param_hint="--quant")
    if name is not None:
        shape = _shape_of(name, quant, config)
    else:
        shape = _shape_by_numbers(parameters, layers, kv_heads, head_dim, quant or "BF16", context)
    result = sums.fit(shape, context, slots, kv)
    if as_json:
        print_json(_plain(result))
    else:
        _show(result, asked=context)


def _shape_by_numbers(
    parameters: float | None, layers: int | None, kv_heads: int | None, head_dim: int, quantisation: str, context: int
) -> Shape:
    from zhongshu.engine.models import fit

    if not (parameters and layers and kv_heads):
        raise typer.BadParameter(
            t(
                "give a name, or --parameters, --layers and --kv-heads",
                "请给出名称，或 --parameters、--layers 和 --kv-heads",
            ),
            param_hint="NAME",
        )
    return fit.of_numbers(
        parameters=int(parameters),
        quantisation=quantisation,
        layers=layers,
        kv_heads=kv_heads,
        head_dim=head_dim,
        context=context,
    )


def _shape_of(name: str, quant: str | None, config: Path | None) -> Shape:
    """A known big model's shape; a shipped model's, from its file if it is here; or a GGUF file's."""
    from zhongshu.core.problems import Fault
    from zhongshu.engine.models import fit, gguf_header, shapes

    if row := shapes.find(name):
        return fit.of_published(row, quant)
    path = _file_of(name, config)
    try:
        shape = fit.of_header(gguf_header.read(path)) if path else fit.SHIPPED[name]
    except Fault as fault:
        fail_with(fault.problem)
    return fit.with_quantisation(shape, quant) if quant else shape


def _file_of(name: str, config: Path | None) -> Path | None:
    """The GGUF a name stands for; None for a shipped model that is not here."""
    from zhongshu.app.loading import load
    from zhongshu.engine.models import rows, store

    if rows.find(name) is not None:
        return store.installed(name, load(config).model_sources.folder())
    path = Path(name).expanduser()
    if path.is_file():
        return path
    fail(
        f"{name} is neither a shipped model, a known one (--known), nor a GGUF file here.",
        f"{name} 既不是内置模型或已知模型（--known），也不是本机的 GGUF 文件。",
        code=2,
    )


def _show(fit: Fit, *, asked: int) -> None:
    shape = fit.shape
    billions = f"{shape.parameters / 1e9:.2f}".rstrip("0").rstrip(".")
    out.print(
        t(
            f"{shape.name or 'model'}: {billions} B parameters, {shape.quantisation}; "
            f"{fit.slots} x {fit.context:,} tokens, KV {fit.kv_type}",
            f"{shape.name or '模型'}：{billions} B 参数，{shape.quantisation}；"
            f"{fit.slots} × {fit.context:,} 词元，KV {fit.kv_type}",
        ),
        highlight=False,
    )
    if asked > fit.context:
        out.print(
            t(
                f"The model's own context is {shape.context:,} tokens; counted with that.",
                f"模型自身上下文为 {shape.context:,} 词元，按此计算。",
            ),
            style="yellow",
            highlight=False,
        )
    rows = [
        (t("weights", "权重"), fit.weights),
        (t("repacked for the CPU", "CPU 重排副本"), fit.repacked),
        (t("KV cache", "KV 缓存"), fit.kv),
        (t("compute buffers", "计算缓冲区"), fit.compute + fit.output),
        (t("program and vocabulary", "程序与词表"), fit.runtime),
        (t("in all, on a CPU", "合计（CPU）"), fit.total),
    ]
    print_table((t("part", "部分"), "GB"), [(label, f"{size / 1e9:.3f}") for label, size in rows if size])
    out.print()
    print_table(
        (t("card", "显卡"), t("maker", "厂商"), "GiB", t("cards needed", "所需张数")),
        [(c.gpu.name, c.gpu.maker, c.gpu.gib, c.cards or t("over 64", "超过 64")) for c in fit.gpus],
    )


def _show_known(*, as_json: bool) -> None:
    from zhongshu.engine.models.shapes import KNOWN

    if as_json:
        print_json(KNOWN)
        return
    print_table(
        (
            t("name", "名称"),
            t("parameters", "参数量"),
            t("layers", "层数"),
            t("context", "上下文"),
            t("source", "出处"),
        ),
        [(row.name, f"{row.parameters / 1e9:.1f} B", row.layers, f"{row.context:,}", row.source) for row in KNOWN],
    )


def _plain(fit: Fit) -> dict[str, Any]:
    """Sizes in bytes; `cards` is null where 64 do not hold it."""
    import msgspec

    facts: dict[str, Any] = msgspec.to_builtins(fit)
    facts["gpus"] = [{**row["gpu"], "cards": row["cards"]} for row in facts["gpus"]]
    return facts
