"""What the settings of `[[upstreams]]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

UPSTREAMS = Group(
    "upstreams",
    Meaning(
        "Places that answer: provider accounts and self-hosted servers. A row for each.",
        "给出回答的地方：服务商账号与自建服务，每个一行。",
    ),
    {
        "name": Meaning("What models refer to.", "模型行所引用的名称。"),
        "kind": Meaning(
            "A known service (see `zhongshu upstreams known`) or openai-compatible; empty: the one of this name.",
            "已知服务（见 `zhongshu upstreams known`）或 openai-compatible；留空则按名称匹配。",
        ),
        "wire": Meaning(
            "Its wire format: openai, responses, anthropic or gemini; empty: the known service's.",
            "通信格式：openai、responses、anthropic 或 gemini；留空则用已知服务的格式。",
        ),
        "base_url": Meaning(
            "Address up to and including the version, such as /v1; empty: the known service's.",
            "地址，含版本（如 /v1）；留空取已知服务的地址。",
        ),
        "key": Meaning(
            'Where its key is: "env:NAME", "file:PATH" (mode 0600) or "none"; empty: the known service\'s variable.',
            "密钥所在：“env:变量名”、“file:路径”（权限 0600）或 “none”；留空取已知服务的变量。",
        ),
        "models": Meaning("Names there that clients may ask for as they are.", "客户端可直接按原名请求的模型。"),
        "headers": Meaning(
            'Headers sent with every request; a value "env:NAME" is read from the environment.',
            "随每个请求发送的请求头；值为 “env:变量名” 时取自环境变量。",
        ),
        "organisation": Meaning("OpenAI's organisation header.", "OpenAI 的组织请求头。"),
        "max_connections": Meaning("Connections open at once; none: no limit.", "同时打开的连接数；不填为不限。"),
        "max_concurrent": Meaning(
            "Turns in flight there at once on this machine, shared out among its workers; none: no limit.",
            "本机同时在该上游处理的请求数，由各工作进程分摊；不填为不限。",
        ),
        "max_queue": Meaning(
            "Turns that may wait in each worker for a free place; more get 503 with Retry-After.",
            "每个工作进程中可排队等待的请求数；超出者返回 503 与 Retry-After。",
        ),
        "queue_s": Meaning("Longest wait for a free place, seconds.", "排队等待的最长时间，秒。"),
        "probe_s": Meaning(
            "How often it is asked for its list of models, so that it is known to be back, seconds; none: never.",
            "多久向它请求一次模型列表以便得知其已恢复，秒；不填为不探测。",
        ),
        "connect_s": Meaning("Time to connect, seconds.", "连接时限，秒。"),
        "first_byte_s": Meaning("Time until its reply begins, seconds.", "等待回复开始的时限，秒。"),
        "idle_s": Meaning("Longest silence between two pieces, seconds.", "两段数据之间的最长静默，秒。"),
        "total_s": Meaning("Time for the whole reply, seconds; none: no limit.", "整个回复的时限，秒；不填为不限。"),
        "max_body_bytes": Meaning(
            "Largest whole reply, or event of a stream, bytes.", "完整回复或单个流事件的上限，字节。"
        ),
        "proxy": Meaning(
            'A proxy\'s address, "system" for HTTP_PROXY and HTTPS_PROXY, or "env:NAME".',
            "代理地址；“system” 表示 HTTP_PROXY 与 HTTPS_PROXY；或 “env:变量名”。",
        ),
        "ca_file": Meaning(
            "Certificates to trust instead of the system's, a PEM file: for a server with a certificate of its own.",
            "代替系统证书而信任的证书（PEM 文件）：用于自签证书的服务。",
        ),
        "thinking": Meaning(
            "How depth of thought is spelt in requests; empty: the known service's way. Of a vLLM that was started with a "
            "reasoning parser, chat_template_kwargs+budget has budgets in tokens kept.",
            "请求中思考深度的写法；留空按已知服务的方式。vLLM 若配置了推理解析器，可设 chat_template_kwargs+budget 以执行词元预算。",
        ),
        "thoughts": Meaning(
            "Where thoughts are found in answers: field, tags (<think> in the content), or tags-open (the same, with the "
            "opening tag in the prompt); empty: the known service's way.",
            "思考内容在回答中的位置：field（单独字段）、tags（正文开头的 <think> 标签）或 tags-open（起始标签在提示中）；留空按已知服务的方式。",
        ),
    },
    examples={
        "name": "deepseek",
        "max_connections": 100,
        "max_concurrent": 64,
        "probe_s": 15.0,
        "total_s": 900.0,
    },
)
