"""How commands reach the settings and the state directory, and how what goes wrong there is said."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from zhongshu.cli.output import fail, fail_with
from zhongshu.cli.words import chinese, reason, t
from zhongshu.core.problems import Fault

if TYPE_CHECKING:
    from zhongshu.access.admin import AccessAdmin
    from zhongshu.app.settings import Settings
    from zhongshu.storage.database import Database

ConfigOption = typer.Option(None, "--config", "-c", help=t("The settings file.", "设置文件。"))


def examples(*lines: str) -> str:
    """A help page's epilog."""
    return t("Examples:", "示例：") + "\n\n" + "\n".join(f"- `{line}`" for line in lines)


def settings(config: Path | None) -> Settings:
    """The settings in use; leaves with what is wrong with them."""
    from zhongshu.app.complaints import SettingsError
    from zhongshu.app.loading import load

    try:
        return load(config)
    except SettingsError as error:
        text = error.text(chinese=chinese())
        fail(text, text, code=2)


def in_force() -> str:
    """Said after a change of what a running server goes by."""
    return t("Changed; a running server follows within a second.", "已修改；运行中的服务将在一秒内生效。")


@contextmanager
def state_of(found: Settings) -> Generator[Database]:
    """The state database of this installation, whether or not its server runs."""
    from sqlalchemy.exc import DBAPIError

    from zhongshu.access.build import STATE
    from zhongshu.storage.database import SchemaError, open_database

    try:
        database = open_database(found.home / STATE)
    except SchemaError as error:  # says itself what to do
        fail(str(error), str(error))
    except (OSError, DBAPIError) as error:
        _fail_for_home(found.home, error)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def managing(config: Path | None) -> Generator[AccessAdmin]:
    """The tenants and keys of this installation, whether or not its server runs."""
    from sqlalchemy.exc import DBAPIError

    from zhongshu.access.build import open_admin
    from zhongshu.app.past import past_of
    from zhongshu.app.pricing import exchange
    from zhongshu.storage.counters import CounterError

    used = settings(config)
    home = used.home
    try:
        with open_admin(home, exchange=exchange(used)) as admin:
            admin.budgets.past = past_of(used)
            yield admin
    except Fault as error:
        fail_with(error.problem)
    except UnicodeError:  # something that was typed: the border says so
        raise
    except ValueError as error:  # a secret or schema that cannot be used says itself what to do
        fail(str(error), str(error))
    except (OSError, sqlite3.Error, DBAPIError, CounterError) as error:
        _fail_for_home(home, error)


def _fail_for_home(home: Path, error: Exception) -> NoReturn:
    why = reason(error) if isinstance(error, OSError) else type(error).__name__
    fail(
        f"The state directory {home} cannot be used: {why}. Check that it is yours, writable and has room.",
        f"无法使用状态目录 {home}：{why}。请确认它归您所有、可写且有剩余空间。",
    )
