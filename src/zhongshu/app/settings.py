"""All settings as one frozen value, each group held against the others.

A group belongs to the room of its name, which also says what its fields mean; this module only joins them, and does not
know where they were written (loading.py does). Secrets never stand here: a credential is written as "env:NAME" or
"file:PATH" and read by the room that needs it.
"""

from __future__ import annotations

import hashlib
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zhongshu.access.money import MoneySettings, RateRow
from zhongshu.access.settings import AccessSettings
from zhongshu.api.ws.settings import WebSocketSettings
from zhongshu.app.profiles import Profile, joined
from zhongshu.batches.settings import BatchSettings
from zhongshu.caches.settings import CacheSettings
from zhongshu.catalog.assistants import AssistantSettings
from zhongshu.catalog.prices import PriceRow
from zhongshu.catalog.settings import ModelSettings
from zhongshu.engine.models import rows
from zhongshu.engine.models.settings import ModelSourceSettings
from zhongshu.engine.settings import EngineSettings
from zhongshu.files.settings import FileSettings
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.router.settings import RouterSettings
from zhongshu.safety.settings import LabelSettings
from zhongshu.sessions.settings import SessionsSettings
from zhongshu.upstreams.adapters import adapter_name
from zhongshu.upstreams.dispatch.settings import DispatchSettings
from zhongshu.upstreams.settings import UpstreamSettings

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The HTTP server: where it listens, how much it takes in, how it logs.

    workers: API processes, about one for each core that is not busy with a local model. max_in_flight: turns being
    answered in one worker; more get 503 with Retry-After. max_shadows: turns that one worker repeats unseen at once.
    body_timeout_s: a request's body must be here by then. drain_s: how long turns may go on after SIGTERM.
    cors_origins: web pages that may call the API from a browser. trusted_proxies: addresses or networks of proxies in
    front, whose X-Forwarded-For is believed.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 7070
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    backlog: Count = 2048
    max_body_bytes: Annotated[int, Meta(ge=1024)] = 32 * 1024 * 1024
    body_timeout_s: Seconds = 30.0
    keep_alive_s: Seconds = 75.0
    max_in_flight: Count = 1000
    max_shadows: Annotated[int, Meta(ge=0)] = 16
    drain_s: Annotated[float, Meta(ge=0)] = 30.0
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    def __post_init__(self) -> None:
        if not self.host.strip():
            raise ValueError("host: give an address such as 127.0.0.1 or 0.0.0.0", "host: 请填写地址，例如 127.0.0.1")
        for proxy in self.trusted_proxies:
            try:
                ip_network(proxy)
            except ValueError:
                raise ValueError(
                    "trusted_proxies: give addresses or networks such as 10.0.0.5 or 10.0.0.0/8",
                    "trusted_proxies: 请填写地址或网段，例如 10.0.0.5 或 10.0.0.0/8",
                ) from None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set.

    home: the state directory. profile: which local models come up beside those of `[[models]]`: "default" (general,
    reasoning, embedding), "tiny" (one small model for tests) or "none".
    """

    home: Path
    profile: Profile = "default"
    server: ServerSettings = ServerSettings()
    access: AccessSettings = AccessSettings()
    ledger: LedgerSettings = LedgerSettings()
    sessions: SessionsSettings = SessionsSettings()
    label: LabelSettings = LabelSettings()
    cache: CacheSettings = CacheSettings()
    router: RouterSettings = RouterSettings()
    websocket: WebSocketSettings = WebSocketSettings()
    files: FileSettings = FileSettings()
    batches: BatchSettings = BatchSettings()
    engine: EngineSettings = EngineSettings()
    model_sources: ModelSourceSettings = ModelSourceSettings()
    dispatch: DispatchSettings = DispatchSettings()
    upstreams: tuple[UpstreamSettings, ...] = ()
    models: tuple[ModelSettings, ...] = ()
    assistants: tuple[AssistantSettings, ...] = ()
    money: MoneySettings = MoneySettings()
    prices: tuple[PriceRow, ...] = ()
    rates: tuple[RateRow, ...] = ()

    def __post_init__(self) -> None:
        _check_names("upstreams", [row.name for row in self.upstreams])
        _check_replicas(self.models)
        _check_fallbacks(self.profile, self.models, self.upstreams)
        _check_upstreams_of_models(self.models, {row.name for row in self.upstreams})
        _check_adapters(self.models, self.upstreams)
        _check_embedder(self.cache, joined(self.profile, self.models))
        _check_assistants(self.assistants, joined(self.profile, self.models), self.upstreams)
        _check_router(self.router, joined(self.profile, self.models), self.upstreams)

    @property
    def digest(self) -> str:
        """16 hex characters that change when an effective setting changes; where the files lie does not count.
        Costs about 0.1 ms: read it once."""
        data = msgspec.to_builtins(self, enc_hook=str)
        del data["home"]
        return hashlib.sha256(msgspec.json.encode(data, order="deterministic")).hexdigest()[:16]


def _check_names(group: str, names: list[str]) -> None:
    """Rows of a group must not share a name."""
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ValueError(
                f"{group}.{number}.name: another row is called {name} too; rename or remove one",
                f"{group}.{number}.name: 已有另一行也叫 {name}；请改名或删除其一",
            )


def _check_replicas(models: tuple[ModelSettings, ...]) -> None:
    """Rows of one name and version are replicas: each at an upstream of its own."""
    seen: set[tuple[str, str, str]] = set()
    for number, row in enumerate(models):
        if (row.name, row.version, row.upstream) in seen:
            raise ValueError(
                f"models.{number}.name: another row is called {row.name}@{row.version} and has this upstream too; give "
                "it another version or upstream, or remove one",
                f"models.{number}.name: 已有另一行也叫 {row.name}@{row.version} 且使用同一上游；请更换版本或上游，或删除其一",
            )
        seen.add((row.name, row.version, row.upstream))


def _check_fallbacks(
    profile: Profile, models: tuple[ModelSettings, ...], upstreams: tuple[UpstreamSettings, ...]
) -> None:
    """Models to fall back to must be there."""
    rows_here = joined(profile, models)
    here = {row.name for row in rows_here} | {f"{row.name}@{row.version}" for row in rows_here}
    here |= {name for row in upstreams for name in row.models}
    for number, row in enumerate(models):
        for name in row.fallbacks:
            if name not in here:
                raise ValueError(
                    f"models.{number}.fallbacks: there is no model {name}; add it, or remove it here",
                    f"models.{number}.fallbacks: 没有名为 {name} 的模型；请添加，或在此删除",
                )


def _check_upstreams_of_models(models: tuple[ModelSettings, ...], upstreams: set[str]) -> None:
    """A model's upstream must be there; a model of the embedded engine must be one whose file is known."""
    for number, row in enumerate(models):
        local = row.upstream_model or row.name
        if row.upstream != "embedded" and row.upstream not in upstreams:
            here = ", ".join(sorted(upstreams | {"embedded"}))
            raise ValueError(
                f"models.{number}.upstream: there is no such upstream; add its row, or use one of {here}",
                f"models.{number}.upstream: 没有这个上游；请添加该行，或使用其中之一：{here}",
            )
        if row.upstream == "embedded" and rows.find(local) is None:
            known = ", ".join(model.name for model in rows.SHIPPED)
            field = "upstream_model" if row.upstream_model else "name"
            raise ValueError(
                f"models.{number}.{field}: the embedded engine has no such model; it has {known}",
                f"models.{number}.{field}: 内置引擎没有这个模型；可用：{known}",
            )


def _check_assistants(
    assistants: tuple[AssistantSettings, ...],
    models: tuple[ModelSettings, ...],
    upstreams: tuple[UpstreamSettings, ...],
) -> None:
    """An assistant's name is its own, and its models are there and can chat."""
    _check_names("assistants", [row.name for row in assistants])
    direct = {name for row in upstreams for name in row.models}
    taken = direct | {row.name for row in models}
    able = direct | {
        name for row in models if "chat" in row.abilities for name in (row.name, f"{row.name}@{row.version}")
    }
    for number, row in enumerate(assistants):
        if row.name in taken:
            raise ValueError(
                f"assistants.{number}.name: a model is called {row.name} too; give the assistant another name",
                f"assistants.{number}.name: 已有模型名为 {row.name}；请为助手另取名称",
            )
        for field in ("general", "reasoning"):
            name = getattr(row, field)
            if name and name not in able:
                raise ValueError(
                    f"assistants.{number}.{field}: there is no model {name} that can chat; add it to [[models]], or name "
                    "another",
                    f"assistants.{number}.{field}: 没有名为 {name} 且能对话的模型；请在 [[models]] 中添加，或改用其他模型",
                )


def _check_router(
    router: RouterSettings, models: tuple[ModelSettings, ...], upstreams: tuple[UpstreamSettings, ...]
) -> None:
    """The models that judge and read are there, and can do so."""
    direct = {name for row in upstreams for name in row.models}
    reading = router.reading
    wanted = (("samples.judge", router.samples.judge, "chat"), ("reading.sound", reading.sound, "transcription"),
              ("reading.pictures", reading.pictures, "vision"))  # fmt: skip
    for field, name, ability in wanted:
        able = {row.name for row in models if ability in row.abilities}
        if name and name not in able | (direct if ability == "chat" else {"none"}):
            raise ValueError(
                f"router.{field}: there is no model {name} with the ability {ability}; add it to [[models]], or name another",
                f"router.{field}: 没有名为 {name} 且具备 {ability} 能力的模型；请在 [[models]] 中添加，或改用其他模型",
            )


def _check_embedder(cache: CacheSettings, models: tuple[ModelSettings, ...]) -> None:
    """Answers are compared by meaning only where there is a local model that makes vectors."""
    by_meaning = cache.models == "semantic" or any(row.cache == "semantic" for row in models)
    makes_vectors = any(
        row.name == cache.embedder and row.upstream == "embedded" and "embedding" in row.abilities for row in models
    )
    if by_meaning and not makes_vectors:
        raise ValueError(
            f'cache.embedder: "semantic" needs a local model that makes vectors; add a row to `[[models]]` with name = '
            f'"{cache.embedder}", upstream = "embedded" and abilities = ["embedding"]',
            f'cache.embedder: "semantic" 需要本地向量模型；请在 `[[models]]` 中添加一行：name = "{cache.embedder}"、'
            'upstream = "embedded"、abilities = ["embedding"]',
        )


def _check_adapters(models: tuple[ModelSettings, ...], upstreams: tuple[UpstreamSettings, ...]) -> None:
    """An adapter must mean something where it is sent."""
    by_name = {row.name: row for row in upstreams}
    for number, row in enumerate(models):
        upstream = by_name.get(row.upstream)
        if row.adapter and upstream and adapter_name(upstream, row.name, row.adapter) is None:
            raise ValueError(
                f"models.{number}.adapter: {row.upstream} loads no adapters; put the fine-tuned model's name there "
                "into upstream_model instead",
                f"models.{number}.adapter: {row.upstream} 不支持加载适配器；请将微调后的模型名填入 upstream_model",
            )
