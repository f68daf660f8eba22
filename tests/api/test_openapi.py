"""The document covers what the server answers, and says of each request what the decoder takes."""

from types import SimpleNamespace

import pytest

from tests.api.conftest import House, whole
from zhongshu.api.admin.application import admin_application
from zhongshu.api.not_served import INSTEAD
from zhongshu.api.openai.shapes import ChatRequest
from zhongshu.api.openapi import document


@pytest.fixture(scope="module")
def described():
    return document(admin_application(SimpleNamespace(max_body_bytes=1)).openapi())


def test_every_address_of_the_surface_is_described(described):
    router = House(whole()).app
    paths = set(router._exact)
    assert paths <= set(described["paths"])
    for prefix in set(router._prefixed) - set(INSTEAD):
        assert any(path.startswith(prefix) for path in described["paths"]), prefix
    print(f"compared {len(paths)} addresses of the surface, {len(described['paths'])} in all")


def test_every_field_of_a_chat_is_described(described):
    assert set(described["components"]["schemas"]["ChatRequest"]["properties"]) == set(ChatRequest.__struct_fields__)


def test_every_reference_leads_somewhere(described):
    found = []

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                found.append(node["$ref"])
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(described)
    for reference in set(found):
        place = described
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    print(f"followed {len(found)} references")


def test_every_operation_is_titled_in_both_languages_and_can_fail_in_our_form(described):
    tags = {tag["name"] for tag in described["tags"]}
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["x-summary-zh"], path
            assert set(operation["tags"]) <= tags
            assert operation["responses"]["500"] == {"$ref": "#/components/responses/Problem500"}
            assert "422" not in operation["responses"]
            assert not path.startswith("/admin/") or "401" in operation["responses"]
