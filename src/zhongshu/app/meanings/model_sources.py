"""What the settings of `[model_sources]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

MODEL_SOURCES = Group(
    "model_sources",
    Meaning("Where files of local models come from, and where they are kept.", "本地模型文件的来源与存放位置。"),
    {
        "sources": Meaning("Tried in this order.", "依此顺序尝试。"),
        "local_dirs": Meaning(
            "Folders (or files) looked through for the published file name.", "按发布文件名查找的文件夹（或文件）。"
        ),
        "modelscope_url": Meaning("ModelScope or a mirror of it.", "ModelScope（魔搭）或其镜像。"),
        "huggingface_url": Meaning(
            "Hugging Face or a mirror of it; default $HF_ENDPOINT.", "Hugging Face 或其镜像；默认取 $HF_ENDPOINT。"
        ),
        "index_urls": Meaning("Package indexes in place of those pip is set to use.", "代替 pip 所设的软件包索引。"),
        "connect_timeout_s": Meaning("Time to reach a source, seconds.", "连接来源的时限，秒。"),
        "idle_timeout_s": Meaning(
            "Silence after which a download is taken up again, seconds.", "下载静默超过此时间则重新续传，秒。"
        ),
        "attempts": Meaning("How often a download that was cut off is taken up again.", "下载中断后续传的次数。"),
        "cache_dir": Meaning(
            "Where model files are kept; empty: $ZHONGSHU_MODELS or ~/.cache/zhongshu/models.",
            "模型文件存放处；留空为 $ZHONGSHU_MODELS 或 ~/.cache/zhongshu/models。",
        ),
    },
    examples={
        "huggingface_url": "https://huggingface.co",
    },
)
