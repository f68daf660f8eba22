"""The services known by name: facts only, each read from the service's own documentation on the date beside it.

A row makes `[[upstreams]] name = "deepseek"` with a key enough. Behaviour is code elsewhere.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from zhongshu.upstreams.openai.manner import Manner

GENERIC = "openai-compatible"


WireFormat = Literal["openai", "responses", "anthropic", "gemini"]
KeyHeader = Literal["authorization", "x-api-key", "x-goog-api-key"]


class KnownUpstream(msgspec.Struct, frozen=True, kw_only=True):
    """A service known by name. wire: its wire format, a folder of this room; key_header: how it wants its key.

    key_env: the environment variable its own tools read; empty for servers that need no key. seen: when these facts
    were read. note, note_zh: what to know before using it.
    """

    title: str
    base_url: str
    key_env: str = ""
    key_header: KeyHeader = "authorization"
    wire: WireFormat = "openai"
    manner: Manner = Manner()
    seen: str
    note: str = ""
    note_zh: str = ""


ROWS: dict[str, KnownUpstream] = {
    "openai": KnownUpstream(
        title="OpenAI",
        base_url="https://api.openai.com/v1",
        key_env="OPENAI_API_KEY",
        manner=Manner(
            thinking="reasoning_effort",
            developer_role=True,
            max_tokens="max_completion_tokens",
            signs="none",
            strict=True,
        ),
        seen="2026-11-21",
        note="Thoughts are not shown; reasoning tokens are counted.",
        note_zh="不返回思考内容，但计入思考词元。",
    ),
    "openai-responses": KnownUpstream(
        title="OpenAI (Responses API)",
        base_url="https://api.openai.com/v1",
        key_env="OPENAI_API_KEY",
        wire="responses",
        manner=Manner(developer_role=True),
        seen="2026-11-22",
        note="Built-in tools and encrypted thoughts; nothing is stored there. Knows no stop texts, seeds or penalties.",
        note_zh="支持内置工具与加密的思考内容；不在服务商处存储。不支持停止文本、随机种子与惩罚系数。",
    ),
    "gemini": KnownUpstream(
        title="Google Gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta",
        key_env="GEMINI_API_KEY",
        key_header="x-goog-api-key",
        wire="gemini",
        seen="2026-11-22",
        note="Wants the signatures of its calls handed back; calls that come back without are marked as another model's.",
        note_zh="要求回传工具调用的签名；未带签名的调用会标记为来自其他模型。",
    ),
    "gemini-openai": KnownUpstream(
        title="Google Gemini (OpenAI's format)",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        key_env="GEMINI_API_KEY",
        manner=Manner(thinking="reasoning_effort", signs="google"),
        seen="2026-11-22",
        note="Signs its calls in extra_content and wants that back. The row `gemini` can say more.",
        note_zh="工具调用的签名位于 extra_content，须原样回传。`gemini` 一行支持更完整的功能。",
    ),
    "anthropic": KnownUpstream(
        title="Anthropic (Claude)",
        base_url="https://api.anthropic.com",
        key_env="ANTHROPIC_API_KEY",
        key_header="x-api-key",
        wire="anthropic",
        seen="2026-11-22",
        note="Thoughts are signed and handed back as they came. Newer models take no temperature and no forced tools.",
        note_zh="思考内容带签名，会原样回传。较新的模型不接受 temperature，也不支持强制调用工具。",
    ),
    "deepseek": KnownUpstream(
        title="DeepSeek",
        base_url="https://api.deepseek.com/v1",
        key_env="DEEPSEEK_API_KEY",
        manner=Manner(thinking="thinking+effort", efforts=("none", "low", "high"), thought_back=True, signs="none"),
        seen="2026-11-21",
        note="Thinks by default. After tool calls it wants its thoughts handed back.",
        note_zh="默认开启思考；调用工具后须回传思考内容。",
    ),
    "dashscope": KnownUpstream(
        title="Alibaba Cloud Model Studio (Qwen) 阿里云百炼",
        base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
        key_env="DASHSCOPE_API_KEY",
        manner=Manner(thinking="enable_thinking", top_k=True, signs="none"),
        seen="2026-11-21",
        note="Outside China use https://dashscope-intl.aliyuncs.com/compatible-mode/v1. Some models think only in streams.",
        note_zh="中国境外请用 https://dashscope-intl.aliyuncs.com/compatible-mode/v1。部分模型仅在流式输出时思考。",
    ),
    "moonshot": KnownUpstream(
        title="Moonshot AI (Kimi) 月之暗面",
        base_url="https://api.moonshot.cn/v1",
        key_env="MOONSHOT_API_KEY",
        manner=Manner(thinking="thinking", thought_back=True, signs="none"),
        seen="2026-11-21",
        note="Outside China use https://api.moonshot.ai/v1. Set max_tokens: its default is low and thoughts count.",
        note_zh="中国境外请用 https://api.moonshot.ai/v1。请设置 max_tokens：默认值较低且思考也计入。",
    ),
    "zhipu": KnownUpstream(
        title="Zhipu AI (GLM) 智谱",
        base_url="https://open.bigmodel.cn/api/paas/v4",
        key_env="ZHIPUAI_API_KEY",
        manner=Manner(thinking="thinking", thought_back=True, signs="none"),
        seen="2026-11-22",
        note="Outside China use https://api.z.ai/api/paas/v4.",
        note_zh="中国境外请用 https://api.z.ai/api/paas/v4。",
    ),
    "siliconflow": KnownUpstream(
        title="SiliconFlow 硅基流动",
        base_url="https://api.siliconflow.cn/v1",
        key_env="SILICONFLOW_API_KEY",
        manner=Manner(thinking="enable_thinking", top_k=True, signs="none"),
        seen="2026-11-21",
        note='Models that cannot switch thinking refuse enable_thinking: mark them thinking = "never".',
        note_zh='不支持切换思考的模型会拒绝 enable_thinking：请将其标为 thinking = "never"。',
    ),
    "openrouter": KnownUpstream(
        title="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        key_env="OPENROUTER_API_KEY",
        manner=Manner(thinking="reasoning", thought_back=True, top_k=True, signs="details"),
        seen="2026-11-21",
        note="Sends comments while it waits; errors after the start come inside the stream.",
        note_zh="等待期间发送注释行；开始输出后的错误在流内返回。",
    ),
    "vllm": KnownUpstream(
        title="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        manner=Manner(thinking="chat_template_kwargs", top_k=True),
        seen="2026-11-21",
        note='Spells thoughts `reasoning` since 0.11. For gpt-oss set thinking = "reasoning_effort".',
        note_zh='自 0.11 起思考字段为 `reasoning`。gpt-oss 请设 thinking = "reasoning_effort"。',
    ),
    "sglang": KnownUpstream(
        title="SGLang",
        base_url="http://127.0.0.1:30000/v1",
        manner=Manner(thinking="chat_template_kwargs", top_k=True),
        seen="2026-11-21",
    ),
    "ollama": KnownUpstream(
        title="Ollama",
        base_url="http://127.0.0.1:11434/v1",
        manner=Manner(thinking="reasoning_effort", efforts=("none", "low", "medium", "high")),
        seen="2026-11-21",
        note="Cuts long prompts without saying so: set num_ctx of the model to the context you state here.",
        note_zh="超长提示会被静默截断：请将模型的 num_ctx 设为此处声明的上下文长度。",
    ),
    "llama.cpp": KnownUpstream(
        title="llama.cpp server",
        base_url="http://127.0.0.1:8080/v1",
        manner=Manner(thinking="chat_template_kwargs", top_k=True),
        seen="2026-11-21",
        note="Start it with --jinja for tool calls and the thinking switch.",
        note_zh="请以 --jinja 启动以支持工具调用和思考开关。",
    ),
    "lmstudio": KnownUpstream(
        title="LM Studio",
        base_url="http://127.0.0.1:1234/v1",
        manner=Manner(thinking="reasoning_effort", efforts=("none", "low", "medium", "high")),
        seen="2026-11-22",
    ),
}
