"""What the settings of `[server]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

SERVER = Group(
    "server",
    Meaning("The HTTP server.", "HTTP 服务。"),
    {
        "host": Meaning(
            "Address to listen on. 0.0.0.0 lets other machines in; put TLS in front then.",
            "监听地址。0.0.0.0 允许其他机器访问，此时前面应有 TLS。",
        ),
        "port": Meaning("Port; 0 lets the system choose.", "端口；0 由系统选择。"),
        "workers": Meaning("API processes.", "API 进程数。"),
        "backlog": Meaning("Connections that may wait to be accepted.", "等待接受的连接数上限。"),
        "max_body_bytes": Meaning("Largest request body, bytes.", "请求体上限，字节。"),
        "body_timeout_s": Meaning("A request must have arrived by then, seconds.", "请求须在此时间内全部到达，秒。"),
        "keep_alive_s": Meaning("How long an idle connection is kept, seconds.", "空闲连接保留多久，秒。"),
        "max_in_flight": Meaning(
            "Turns answered at once by one worker; more get 503 with Retry-After.",
            "单个工作进程同时处理的请求数；超出者返回 503 与 Retry-After。",
        ),
        "max_shadows": Meaning(
            "Turns that one worker repeats at once for a shadow release; more are dropped.",
            "单个工作进程同时为影子版本重复的请求数；超出者丢弃。",
        ),
        "drain_s": Meaning(
            "How long running turns may go on after SIGTERM, seconds.", "收到 SIGTERM 后进行中的请求可继续多久，秒。"
        ),
        "cors_origins": Meaning(
            "Origins whose web pages may call the API from a browser.", "允许从浏览器调用 API 的网页来源。"
        ),
        "trusted_proxies": Meaning(
            'Proxies in front, as addresses or networks ("10.0.0.0/8"), whose X-Forwarded-For says who is asking.',
            "位于前面的代理的地址或网段（如“10.0.0.0/8”），采信其 X-Forwarded-For 中的客户端地址。",
        ),
        "log_level": Meaning("Least important log lines that are written.", "写出的日志的最低级别。"),
        "log_format": Meaning("Log lines as text or JSON.", "日志格式：文本或 JSON。"),
    },
)
