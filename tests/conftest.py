"""For every test: an example that takes long on a busy machine is no failure, and neither is one that is long in the making."""

from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
