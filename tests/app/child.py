"""A child for test_children.py: reads its line, and does what it says. `folder` remembers how often it was started."""

import json
import sys
import time
from pathlib import Path


def main() -> None:
    told = json.loads(sys.stdin.readline())
    marks = Path(told["folder"])
    number = len(list(marks.iterdir())) + 1
    (marks / str(number)).touch()
    if number <= told["taken"]:
        raise SystemExit(75)
    if told["hopeless"]:
        raise SystemExit(1)
    print("before\nready\nafter", flush=True)
    if told["dies"] and number == told["taken"] + 1:
        time.sleep(0.05)
        raise SystemExit(3)
    sys.stdin.read()


main()
