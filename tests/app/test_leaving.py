"""A process that has done its work ends with its own exit code, whatever native threads are doing."""

import os
import subprocess
import sys

import pytest

WORK = """
import sys
from zhongshu.app.leaving import leave
print("done")
print("told", file=sys.stderr)
{before}
leave({code})
"""


@pytest.mark.parametrize("code", [0, 2])
@pytest.mark.parametrize(
    ("before", "written"),
    [
        ("", "done\n"),
        # Python's own way out would call this, as it would wait for threads of others
        ("import atexit; atexit.register(print, 'torn down')", "done\n"),
        ("sys.stderr.close()", "done\n"),
    ],
)
def test_what_was_printed_is_out_and_the_code_is_ours(code, before, written):
    done = subprocess.run(
        [sys.executable, "-c", WORK.format(before=before, code=code)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (code, written)
    assert done.stderr == ("told\n")


def test_a_reader_who_went_away_is_no_error():
    program = [sys.executable, "-c", WORK.format(before="", code=0)]
    environment = os.environ | {"PYTHONUNBUFFERED": ""}  # so that it is our own flush that meets the closed pipe
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        process.stdout.close()
        assert process.wait(60) == 0
