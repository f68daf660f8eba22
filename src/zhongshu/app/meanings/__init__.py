"""What every setting means, in English and Chinese: rows from which the annotated example and docs/settings.md are made.

A file for each group of settings, with its name; here they are joined. A test compares these rows with the fields of
every settings Struct: a setting without a row fails it.
"""

from __future__ import annotations

from zhongshu.app.meanings.access import ACCESS
from zhongshu.app.meanings.assistants import ASSISTANTS
from zhongshu.app.meanings.batches import BATCHES
from zhongshu.app.meanings.cache import CACHE
from zhongshu.app.meanings.dispatch import DISPATCH
from zhongshu.app.meanings.engine import ENGINE
from zhongshu.app.meanings.files import FILES
from zhongshu.app.meanings.label import LABEL
from zhongshu.app.meanings.ledger import LEDGER
from zhongshu.app.meanings.meaning import Group, Meaning
from zhongshu.app.meanings.model_sources import MODEL_SOURCES
from zhongshu.app.meanings.models import MODELS
from zhongshu.app.meanings.money import MONEY
from zhongshu.app.meanings.prices import PRICES
from zhongshu.app.meanings.rates import RATES
from zhongshu.app.meanings.router import ROUTER
from zhongshu.app.meanings.server import SERVER
from zhongshu.app.meanings.sessions import SESSIONS
from zhongshu.app.meanings.top import TOP
from zhongshu.app.meanings.upstreams import UPSTREAMS
from zhongshu.app.meanings.websocket import WEBSOCKET
from zhongshu.app.toml_lines import Place

_ALL = (
    TOP,
    SERVER,
    ACCESS,
    LEDGER,
    SESSIONS,
    LABEL,
    CACHE,
    ROUTER,
    WEBSOCKET,
    FILES,
    BATCHES,
    ENGINE,
    MODEL_SOURCES,
    DISPATCH,
    UPSTREAMS,
    MODELS,
    ASSISTANTS,
    MONEY,
    PRICES,
    RATES,
)


def _place(group: Group, key: str) -> Place:
    return (*((group.name,) if group.name else ()), *key.split("."))


GROUPS: dict[str, Meaning] = {group.name: group.meaning for group in _ALL if group.meaning}
"""The headings."""

MEANINGS: dict[Place, Meaning] = {
    _place(group, key): meaning for group in _ALL for key, meaning in group.settings.items()
}

EXAMPLES: dict[Place, object] = {_place(group, key): value for group in _ALL for key, value in group.examples.items()}
"""What the example shows for a setting that has no default, or whose default depends on the machine."""
