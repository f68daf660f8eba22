"""Models over HTTP: the card, and whether a local file is here."""


async def test_cards_and_files(desk):
    small, local = (await desk.call("GET", "/admin/v1/models")).json()["data"]
    assert (small["release"], small["local_file"]) == ("small@1", None)
    assert small["card"]["tier"] == "general"
    assert (local["upstream"], local["local_file"]) == ("embedded", "missing")
    desk.app = desk.application(local_file=lambda offer: True)
    assert (await desk.call("GET", "/admin/v1/models")).json()["data"][1]["local_file"] == "present"
