"""Running installations to break. `house` is shared by all tests that leave it whole."""

import urllib.parse

import pytest

from tests.running import SMOL, model_here, over, platform
from zhongshu.upstreams.scripted.script import SHIPPED
from zhongshu.upstreams.scripted.serve import serving

# Restarts of a killed engine are at once however often it is killed; the bounds are small, so that they are reached.
ENGINE = (
    "[engine]\nbackoff_s = 0.0\nbackoff_max_s = 0.0\ncrash_limit = 100000\nidle_unload_s = 0.0\ncontext_tokens = 512\n"
)
LEDGER = "[ledger]\nmin_free_bytes = 1048576\ncheckpoint_interval_s = 1.0\n"
SERVER = "[server]\nmax_body_bytes = 1048576\ndrain_s = 15.0\n"
HASTY = SERVER + "body_timeout_s = 3.0\n"  # for those who wait for it to be over, and for nobody else


def port_of(running) -> int:
    """Where it listens."""
    return urllib.parse.urlsplit(running.url).port


def settings_over(upstream, *, server: str = SERVER, ledger: str = LEDGER, engine: str = ENGINE, profile="tiny") -> str:
    """Settings of an installation over the scripted upstream, with every behaviour it ships as a model."""
    return over(upstream.port, {name: name for name in SHIPPED}, server + ledger + engine, profile)


@pytest.fixture(scope="session")
def smol() -> None:
    """The smallest model's file is here."""
    model_here(SMOL)


@pytest.fixture(scope="session")
def scripted():
    with serving() as served:
        yield served


@pytest.fixture(scope="session")
def house(scripted, smol, tmp_path_factory):
    with platform(tmp_path_factory.mktemp("house"), settings_over(scripted)) as running:
        yield running


@pytest.fixture(scope="session")
def pair(scripted, tmp_path_factory):
    """Two workers, and no local model."""
    settings = settings_over(scripted, server=SERVER + "workers = 2\n", profile="none")
    with platform(tmp_path_factory.mktemp("pair"), settings) as running:
        yield running
