"""Which language to speak: Chinese when the locale says so, English otherwise. ZHONGSHU_LANG=zh|en decides outright."""

from __future__ import annotations

import errno
import os

_CHINESE = {
    errno.EACCES: "权限不足",
    errno.EPERM: "操作不允许",
    errno.ENOENT: "文件或目录不存在",
    errno.EEXIST: "已存在同名文件",
    errno.ENOTDIR: "不是目录",
    errno.EISDIR: "是目录",
    errno.EROFS: "文件系统只读",
    errno.ENOSPC: "磁盘空间不足",
    errno.EDQUOT: "磁盘配额不足",
    errno.EIO: "输入输出错误",
    errno.EADDRINUSE: "地址已被占用",
    errno.EADDRNOTAVAIL: "不是本机的地址",
}


def chinese() -> bool:
    """Whether this user reads Chinese."""
    for name in ("ZHONGSHU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return value.lower().startswith("zh")
    return False


def t(en: str, zh: str) -> str:
    """The sentence in the user's language."""
    return zh if chinese() else en


def reason(error: OSError) -> str:
    """What the system says of an error, in the user's language where there are words for it."""
    return reason_zh(error) if chinese() else error.strerror or type(error).__name__


def reason_zh(error: OSError) -> str:
    """The same in Chinese, whatever the user's language."""
    return _CHINESE.get(error.errno or 0, error.strerror or type(error).__name__)
