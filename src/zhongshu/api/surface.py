"""Every address of the HTTP surface, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zhongshu.api.asgi import App
from zhongshu.api.endpoint import Bounds, Endpoint, Load
from zhongshu.api.health import Health, Metrics, Probe
from zhongshu.api.openai.dialect import Chat, Completions, EmbeddingsOf
from zhongshu.api.openai.models import Models
from zhongshu.api.router import At, Router
from zhongshu.pipeline.stages import Rooms


def surface(
    rooms: Callable[[], Rooms],
    bounds: Bounds,
    load: Load,
    probes: Callable[[], Mapping[str, Probe]],
    render_metrics: Callable[[], bytes],
    rest: App,
) -> Router:
    """The application of one worker. `rest` answers what is not in the table (administration, documentation)."""
    health = Health(probes, load)
    models = Models(rooms)
    return Router(
        exact={
            "/v1/chat/completions": At("POST", Endpoint(Chat(), rooms, bounds, load)),
            "/v1/completions": At("POST", Endpoint(Completions(), rooms, bounds, load)),
            "/v1/embeddings": At("POST", Endpoint(EmbeddingsOf(), rooms, bounds, load)),
            "/v1/models": At("GET", models),
            "/healthz": At("GET", health),
            "/readyz": At("GET", health),
            "/metrics": At("GET", Metrics(render_metrics, rooms)),
        },
        prefixed={"/v1/models/": At("GET", models)},
        rest=rest,
    )
