"""Children are started without Python running in them before they are Python themselves.

Between fork and exec only the forking thread lives on: a lock that another held (SQLite's, an allocator's) is never let go,
and Python's own bookkeeping there may need it. The supervisor was once seen to wait for such a child for ever.
"""

from tests.running import over, platform

AT_FORK = """
import os
from pathlib import Path

os.register_at_fork(after_in_child=lambda: Path({marks!r}, str(os.getpid())).touch())
"""


def test_no_python_runs_between_fork_and_exec(scripted, tmp_path, monkeypatch):
    marks, hooks = tmp_path / "marks", tmp_path / "hooks"
    marks.mkdir()
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(AT_FORK.format(marks=str(marks)))
    monkeypatch.setenv("PYTHONPATH", str(hooks))
    with platform(tmp_path, over(scripted.port, {"mock": "mock"}, "[server]\nworkers = 2\n", "none")) as running:
        assert running.chat("mock")[0] == 200
        assert len(running.children()["zhongshu.app.worker"]) == 2
        assert not list(marks.iterdir())
