"""For every test: an example that takes long on a busy machine is no failure, and neither is one that is long in the making."""

import gc

from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_collection_finish() -> None:
    """Nine thousand tests stay to the end: whoever looks for garbage need not look through them too."""
    gc.collect()
    gc.freeze()
