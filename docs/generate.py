"""Write the reference pages that come from the program itself: docs/settings.md, docs/cli.md, zhongshu.example.toml.

.venv/bin/python docs/generate.py            write them
.venv/bin/python docs/generate.py --check    say which differ, and exit with 1
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["ZHONGSHU_LANG"] = "en"  # before the commands are imported: their help is chosen then

import typer

from zhongshu.app.allowed import allowed
from zhongshu.app.example import Row, example_text, is_array, rows
from zhongshu.app.meanings import GROUPS
from zhongshu.cli.main import build

ROOT = Path(__file__).parent.parent
NOTE = "<!-- Written by docs/generate.py (make docs); a test compares it. -->\n"
SETTINGS_HEAD = """\
# Settings

One TOML file, checked when Zhongshu starts and whenever it is asked to reload. A key that does not exist or a value that
does not fit stops the start and is named with its line, what is allowed, and the remedy; all of them at once. `zhongshu config
check` does the same without starting anything.

Looked for, in this order: `--config FILE`, `$ZHONGSHU_CONFIG`, `./zhongshu.toml`, `zhongshu.toml` in the state directory;
built-in defaults otherwise. [zhongshu.example.toml](../zhongshu.example.toml) holds every setting with its default in
English and Chinese (`zhongshu config example` prints it).

```toml
profile = "tiny"

[server]
port = 8080

[[upstreams]]
name = "vllm"
base_url = "http://10.0.0.5:8000/v1"
key = "none"

[[models]]
name = "qwen3-32b"
upstream = "vllm"
tier = "reasoning"
thinking = "switch"
context = 32768
```

- **Environment.** A variable named `ZHONGSHU_<GROUP>__<FIELD>` overrides the file: `ZHONGSHU_SERVER__PORT=8080`,
  `ZHONGSHU_LABEL__TEXT=end`; lists as `a,b` or as TOML. `ZHONGSHU_HOME`, `ZHONGSHU_PROFILE`, `ZHONGSHU_MODELS` (the
  model cache) and `ZHONGSHU_FIRST_KEY` (the first key's value, 16 to 256 printable characters) stand alone. Rows
  (`[[upstreams]]`, `[[models]]`) stand only in the file. Options of `zhongshu up` override both.
- **Paths** that are relative start from the file's directory.
- **Secrets** never stand in the file. A credential is written as `"env:NAME"` or `"file:PATH"`.
- **Reload.** `zhongshu config reload` (or SIGHUP) makes the running server read the file again; turns in flight go on
  with the old settings. Upstreams, models, label, limits and profile change at once; `home`, `[server]`, `[ledger]`
  and `[engine]` wait for a restart, which the command names. All workers take the new settings, or none does: where one cannot
  (it lacks an environment variable, say) the others go back, the command names the field and leaves with 2.
  `zhongshu config workers` and `zhongshu doctor` show which generation of settings each worker runs.
- **Profiles.** `default` brings up a general, a reasoning and an embedding model; `tiny` one small model for tests;
  `none` no local model. Rows of `[[models]]` are added; one with the name of a built-in model replaces it.
"""


def settings_page() -> str:
    """docs/settings.md."""
    parts = [NOTE, SETTINGS_HEAD]
    group = None
    for row in rows():
        if row.group != group:
            group = row.group
            parts.append(_settings_head(group))
        parts.append(_settings_line(row))
    return "\n".join(parts).replace("|\n\n|", "|\n|") + "\n"


def _settings_head(group: str) -> str:
    title, about = "## At the top", "Before the first group."
    if group:
        meaning = GROUPS[group]
        title = f"## `[[{group}]]`" if is_array(group) else f"## `[{group}]`"
        about = f"{meaning.en} {meaning.zh}"
    return f"\n{title}\n\n{about}\n\n| setting | default | takes | meaning |\n|---|---|---|---|"


def _settings_line(row: Row) -> str:
    required = row.default.__class__.__name__ == "NoDefaultType"
    default = "**required**" if required else "not set" if row.default is None else f"`{row.unsaid}`"
    meaning = f"{row.meaning.en}<br>{row.meaning.zh}".replace("|", "\\|")
    return f"| `{row.name}` | {default} | {allowed(row.kind)} | {meaning} |"


CLI_HEAD = """\
# Commands

Every command speaks English or Chinese by locale (`ZHONGSHU_LANG=en|zh` decides outright), has examples in its `--help`,
and takes `--json` for scripts, but for those that print JSON lines or a file's content anyway. Answers go to standard output,
everything beside them to standard error. Exit codes: 0 done; 1 it did not work, and why is said; 2 the command line or the
settings are wrong; 130 stopped by Ctrl-C.

Variables: `ZHONGSHU_URL` and `ZHONGSHU_KEY` point `ask` and `chat` at a server; without them they use the one running
on this machine and the key that `zhongshu up` made for it.
"""


def cli_page() -> str:
    """docs/cli.md."""
    return "\n".join([NOTE, CLI_HEAD, *_command(typer.main.get_command(build()), "zhongshu")]) + "\n"


def _command(command: Any, path: str) -> Iterator[str]:
    children: dict[str, Any] = getattr(command, "commands", {})
    depth = min(path.count(" ") + 1, 3)
    if path != "zhongshu":
        yield f"{'#' * (depth + 0)} `{path}`\n"
        yield f"{_clean(command.help)}\n"
    if not children:
        yield from _parameters(command, path)
        if command.epilog:
            yield f"{_clean(command.epilog)}\n"
    for name, child in children.items():
        yield from _command(child, f"{path} {name}")


def _parameters(command: Any, path: str) -> Iterator[str]:
    shown = [p for p in command.params if not getattr(p, "hidden", False)]
    arguments = " ".join(
        p.name.upper() if p.required else f"[{p.name.upper()}]" for p in shown if not hasattr(p, "prompt")
    )
    options = [p for p in shown if hasattr(p, "prompt") and p.name != "help"]
    yield f"```\n{' '.join(part for part in (path, '[OPTIONS]' if options else '', arguments) if part)}\n```\n"
    lines = [f"| `{p.name.upper()}` | {_cell(p.help)} |" for p in shown if not hasattr(p, "prompt")]
    lines += [f"| {_names(p)} | {_cell(p.help)} |" for p in options]
    if lines:
        yield "| | |\n|---|---|\n" + "\n".join(lines) + "\n"


def _names(option: Any) -> str:
    return ", ".join(f"`{name}`" for name in sorted([*option.opts, *option.secondary_opts], key=len))


def _clean(text: str | None) -> str:
    return "\n".join(line.strip() for line in (text or "").strip().splitlines())


def _cell(text: str | None) -> str:
    return _clean(text).replace("\n", " ").replace("|", "\\|")


PAGES = {"docs/settings.md": settings_page, "docs/cli.md": cli_page, "zhongshu.example.toml": example_text}


def main(*, check: bool) -> int:
    """Write or compare every page; the exit code."""
    stale = 0
    for name, make in PAGES.items():
        file, text = ROOT / name, make()
        if check:
            same = file.exists() and file.read_text(encoding="utf-8") == text
            stale += not same
            if not same:
                sys.stderr.write(f"{name} is not what the program says; run: make docs\n")
        else:
            file.write_text(text, encoding="utf-8")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
