"""How an upstream is asked for an adapter: fine-tuned weights (LoRA) that it loads beside a model.

vLLM knows each adapter as a model of that name (docs.vllm.ai, "LoRA Adapters"); SGLang takes "model:adapter"
(docs.sglang.ai, "LoRA Serving"); a server we do not know is taken to do as vLLM does. The services of providers load
none: what was fine-tuned there has a model name of its own.
"""

from __future__ import annotations

from zhongshu.upstreams.rows import GENERIC, ROWS
from zhongshu.upstreams.settings import UpstreamSettings


def adapter_name(row: UpstreamSettings, model: str, adapter: str) -> str | None:
    """What this upstream calls `adapter` of `model`; None when it loads no adapters."""
    kind = row.kind or row.name
    if kind == "sglang":
        return f"{model}:{adapter}"
    return adapter if kind in ("vllm", GENERIC) or kind not in ROWS else None
