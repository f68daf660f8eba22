"""A process is alive until it is not, and never confused with a later one of the same number."""

import os
import subprocess
import sys

from zhongshu.storage.processes import alive, mark


def test_we_are_alive():
    assert alive(os.getpid(), mark(os.getpid())) is True


def test_another_is_alive_until_killed_even_before_anybody_reaps_it():
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    marked = mark(other.pid)
    assert alive(other.pid, marked) is True
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert alive(other.pid, marked) is False  # a zombie
    other.wait()
    assert alive(other.pid, marked) is False


def test_a_number_given_to_another_process_is_not_the_same():
    place, _, started = mark(os.getpid()).rpartition(" ")
    assert alive(os.getpid(), f"{place} {int(started) - 1}") is False


def test_one_of_an_earlier_boot_is_dead_and_of_another_container_unknown():
    place, _, started = mark(os.getpid()).rpartition(" ")
    boot = place.partition("/")[0]
    assert alive(os.getpid(), f"another-boot/pid:[1] {started}") is False
    assert alive(os.getpid(), f"{boot}/pid:[1] {started}") is None
