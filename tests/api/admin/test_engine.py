"""The engine over HTTP says all that its manager says."""

from zhongshu.api.admin.engine import EngineModel
from zhongshu.engine.messages import ModelStatus


async def test_shown(desk):
    shown = (await desk.call("GET", "/admin/v1/engine")).json()
    assert shown["budget_bytes"] == 1 << 30
    assert (shown["models"][0]["model"], shown["models"][0]["state"], shown["models"][0]["slots"]) == (
        "local",
        "ready",
        4,
    )


def test_every_field_of_the_managers_report_is_shown():
    assert set(EngineModel.model_fields) == set(ModelStatus.__struct_fields__)
