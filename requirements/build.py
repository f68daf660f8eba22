"""Print what builds the project itself, so that the lock holds it too: pyproject's build requirements and `editables`,
which hatchling asks for when it makes an editable install."""

from __future__ import annotations

import tomllib
from pathlib import Path

pyproject = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
print("\n".join([*pyproject["build-system"]["requires"], "editables"]))
