"""The annotated settings file, written from the Structs (names, types, defaults) and the rows of meanings/.

A line that starts with `#` and a letter is a setting at its default, to be uncommented; `# ` and words is a comment.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import NODEFAULT

from zhongshu.app.allowed import allowed, allowed_zh, without_none
from zhongshu.app.checking import is_struct
from zhongshu.app.effective import toml_value
from zhongshu.app.meanings import EXAMPLES, GROUPS, MEANINGS, Meaning
from zhongshu.app.settings import Settings
from zhongshu.app.toml_lines import Place

HEAD = """\
# Settings of Zhongshu. Every setting is here with its default: uncomment what you change.
# 中枢的设置文件。列出全部设置及其默认值：需要修改的，去掉行首的 # 即可。
#
# Looked for: --config FILE, $ZHONGSHU_CONFIG, ./zhongshu.toml, HOME/zhongshu.toml
# 查找顺序：--config 文件、$ZHONGSHU_CONFIG、./zhongshu.toml、状态目录/zhongshu.toml
# A variable overrides the file: ZHONGSHU_SERVER__PORT=8080. Relative paths start from this file's directory.
# 环境变量优先于文件：ZHONGSHU_SERVER__PORT=8080。相对路径以本文件所在目录为起点。
# Secrets never stand here: write "env:NAME" or "file:PATH".
# 密钥不得写在这里：请写 “env:变量名” 或 “file:路径”。
"""


class Row(NamedTuple):
    """One setting: its place, type, default (NODEFAULT when it must be given) and meaning."""

    place: Place
    kind: Any
    default: object
    meaning: Meaning

    @property
    def group(self) -> str:
        """The group it stands in; "" at the top."""
        return str(self.place[0]) if len(self.place) > 1 else ""

    @property
    def name(self) -> str:
        """Its key inside its group."""
        return ".".join(str(part) for part in self.place[1:] or self.place)

    @property
    def shown(self) -> str:
        """How it is set: an example where there is one, else its default; as TOML."""
        value = self.default
        if value is NODEFAULT or value is None or self.place in EXAMPLES:
            value = EXAMPLES[self.place]
        return _toml(value)

    @property
    def unsaid(self) -> str:
        """What holds where it is not set, as TOML. Only where there is such a value."""
        return _toml(self.default)


def _toml(value: object) -> str:
    return toml_value(msgspec.to_builtins(value, enc_hook=str))


def rows() -> tuple[Row, ...]:
    """Every setting there is, in order. A KeyError names a setting without a meaning."""
    return tuple(_rows(Settings, ()))


def is_array(group: str) -> bool:
    """Whether a group is an array of tables, a row each."""
    field = next(field for field in msgspec.structs.fields(Settings) if field.name == group)
    return not is_struct(field.type)


def example_text() -> str:
    """The annotated file."""
    parts, group = [HEAD], ""
    for row in rows():
        if row.group != group:
            group = row.group
            parts.append(_group_head(group))
        parts.append(_setting(row))
    return "\n".join(parts)


def _group_head(group: str) -> str:
    meaning = GROUPS[group]
    line = f"#[[{group}]]" if is_array(group) else f"[{group}]"
    return f"\n# ── {meaning.en}\n# ── {meaning.zh}\n{line}\n"


def _setting(row: Row) -> str:
    takes, takes_zh = allowed(row.kind), allowed_zh(row.kind)
    need, need_zh = (" Required.", " 必填。") if row.default is NODEFAULT else ("", "")
    unset, unset_zh = (" Not set by default.", " 默认不设置。") if row.default is None else ("", "")
    return (
        f"# {row.meaning.en} ({takes}){need}{unset}\n"
        f"# {row.meaning.zh}（{takes_zh.strip()}）{need_zh}{unset_zh}\n"
        f"#{row.name} = {row.shown}\n"
    )


def _rows(struct: type[msgspec.Struct], place: Place) -> Iterator[Row]:
    for field in msgspec.structs.fields(struct):
        inner = (*place, field.encode_name)
        group = _group_of(field.type)
        if group is not None:
            yield from _rows(group, inner)
        elif inner[-1] != "home":
            yield Row(inner, field.type, _default(field), MEANINGS[inner])
        else:
            yield Row(inner, field.type, None, MEANINGS[inner])


def _group_of(kind: Any) -> type[msgspec.Struct] | None:
    """The Struct of a group, or of the rows of an array of tables."""
    kind = without_none(kind)
    if is_struct(kind):
        return kind
    arguments = typing.get_args(kind)
    return arguments[0] if arguments and is_struct(arguments[0]) else None


def _default(field: Any) -> object:
    if field.default is not NODEFAULT:
        return field.default
    return field.default_factory() if field.default_factory is not NODEFAULT else NODEFAULT
