"""The description of the surface is served beside administration."""


async def test_served_by_the_callers_language(desk):
    page = await desk.call("GET", "/docs", key=None, headers={"accept-language": "zh"})
    assert page.headers["content-type"].startswith("text/html")
    assert 'lang="zh"' in page.body.decode()


async def test_the_document_is_served_whole(desk):
    document = (await desk.call("GET", "/openapi.json", key=None)).json()
    assert {"/v1/chat/completions", "/admin/v1/keys", "/metrics"} <= set(document["paths"])


async def test_a_head_is_a_get_without_its_body_and_others_are_told_so(desk):
    assert (await desk.call("HEAD", "/docs", key=None)).status == 200
    wrong = await desk.call("POST", "/docs", key=None)
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET, HEAD")
