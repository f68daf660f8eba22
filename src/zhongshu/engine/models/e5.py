"""x"""

from pathlib import Path


def convert(packed: Path, out: Path) -> None:
    raise NotImplementedError
