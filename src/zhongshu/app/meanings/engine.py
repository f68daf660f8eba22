"""What the settings of `[engine]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

ENGINE = Group(
    "engine",
    Meaning("The embedded engine that runs local models.", "运行本地模型的内置引擎。"),
    {
        "memory_bytes": Meaning(
            "Memory for all loaded models, bytes; none: a share of what is free at start.",
            "全部已加载模型可用的内存，字节；不填则取启动时空闲内存的一部分。",
        ),
        "memory_share": Meaning("That share, 0.05 to 1.", "所取的比例，0.05 到 1。"),
        "room_wait_s": Meaning(
            "How long a request waits for a busy model to make room, seconds.", "请求等待其他模型腾出内存的时间，秒。"
        ),
        "idle_unload_s": Meaning(
            "A model unused for this long is unloaded, seconds; 0 keeps it.", "模型闲置多久后卸载，秒；0 为不卸载。"
        ),
        "threads": Meaning("Threads of one model's process.", "每个模型进程的线程数。"),
        "slots": Meaning("Requests that a model answers at once.", "单个模型同时回答的请求数。"),
        "context_tokens": Meaning(
            "Window of each slot, prompt and answer together, tokens.", "每个并行槽的上下文长度（提示加回答），词元。"
        ),
        "prompt_cache_bytes": Meaning(
            "Memory for the state of earlier prompts, bytes.", "缓存以往提示状态的内存，字节。"
        ),
        "guard": Meaning(
            "Close a local model's thought when it repeats itself, goes in circles or says its answer again and again; "
            "end an answer of unbounded length that goes round in a loop.",
            "本地模型的思考出现重复、绕圈或反复给出同一答案时，结束思考并要求作答；未限定长度的回答陷入循环时，结束回答。",
        ),
        "start_timeout_s": Meaning(
            "A model that is not ready by then has failed, seconds.", "模型须在此时间内就绪，否则视为失败，秒。"
        ),
        "backoff_s": Meaning(
            "Pause before the second restart in a row, seconds; doubled each time.",
            "连续第二次重启前的等待，秒；此后逐次加倍。",
        ),
        "backoff_max_s": Meaning("The longest such pause, seconds.", "上述等待的上限，秒。"),
        "crash_limit": Meaning(
            "This many crashes within the window stop the restarts for a while.", "时间窗内崩溃达到此次数则暂停重启。"
        ),
        "crash_window_s": Meaning("That window, seconds.", "上述时间窗，秒。"),
    },
    examples={
        "memory_bytes": 4 * 1024**3,
    },
)
