"""The description of the surface is served beside administration."""


async def test_served_by_the_callers_language(desk):
    page = await desk.call("GET", "/docs", key=None, headers={"accept-language": "zh"})
    assert page.headers["content-type"].startswith("text/html")
    assert 'lang="zh"' in page.body.decode()


async def test_the_document_is_served_whole(desk):
    document = (await desk.call("GET", "/openapi.json", key=None)).json()
    assert {"/v1/chat/completions", "/admin/v1/keys", "/metrics"} <= set(document["paths"])
