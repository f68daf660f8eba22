"""What the settings of `[files]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

FILES = Group(
    "files",
    Meaning("Files that callers keep here.", "调用方保存在此的文件。"),
    {
        "max_file_bytes": Meaning("Largest file, bytes.", "单个文件的上限，字节。"),
        "tenant_bytes": Meaning("All files of one tenant, bytes.", "单个租户全部文件的上限，字节。"),
        "inline_bytes": Meaning(
            "Largest file whose content is put into a turn that names it, bytes.",
            "请求引用文件编号时，可将内容放入请求的文件上限，字节。",
        ),
    },
)
