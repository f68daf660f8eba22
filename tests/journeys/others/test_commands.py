"""`zhongshu files` and `zhongshu batches` against a running server."""

import json

CHAT = "/v1/chat/completions"


def requests(tmp_path, model="mock"):
    file = tmp_path / "in.jsonl"
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    rows = [{"custom_id": f"r{n}", "method": "POST", "url": CHAT, "body": body} for n in range(5)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_the_life_of_a_file(place, tmp_path):
    file = tmp_path / "报告.txt"
    file.write_bytes(b"\x00text" * 1000)
    name = place.cli("files", "upload", str(file)).strip()
    assert json.loads(place.cli("files", "show", name, "--json"))["filename"] == "报告.txt"
    assert name in place.cli("files", "list", "--purpose", "user_data")
    place.cli("files", "content", name, "--to", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    assert json.loads(place.cli("files", "delete", name, "--json"))["deleted"] is True
    assert place.cli("files", "show", name, check=False) == ""


def test_a_batch_from_a_file_to_its_answers(place, tmp_path):
    answers = tmp_path / "out.jsonl"
    made = json.loads(place.cli("batches", "create", str(requests(tmp_path)), "--to", str(answers), "--json"))
    assert (made["status"], made["request_counts"]["completed"]) == ("completed", 5)
    assert len(answers.read_text().splitlines()) == 5
    assert made["id"] in place.cli("batches", "list")
    assert len(place.cli("batches", "output", made["id"]).splitlines()) == 5
    assert json.loads(place.cli("batches", "show", made["id"], "--json"))["status"] == "completed"
    assert place.cli("batches", "output", "--errors", made["id"], check=False) == ""
    assert place.cli("batches", "cancel", made["id"], check=False) == ""


def test_mistakes_of_the_input_are_shown(place, tmp_path):
    file = tmp_path / "bad.jsonl"
    file.write_text("nonsense\n")
    assert "Line 1 is not one JSON object" in place.cli("batches", "create", str(file), check=False)


def test_a_file_that_is_not_there(place, tmp_path):
    assert place.cli("files", "upload", str(tmp_path / "none"), check=False) == ""
