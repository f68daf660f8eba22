"""The endpoints beside chat, completions and embeddings, for the OpenAPI document: what is handed on as it comes,
files, batches, and plain REST. Request bodies are described from the Structs that decode them."""

from __future__ import annotations

from typing import Any

import msgspec

from zhongshu.api import openapi_replies
from zhongshu.api.openai.audio import SpeechRequest
from zhongshu.api.openai.batches import BatchRequest
from zhongshu.api.openai.files import PURPOSES
from zhongshu.api.openai.images import ImageRequest
from zhongshu.api.openai.moderations import ModerationRequest
from zhongshu.api.openai.rerank import RerankRequest
from zhongshu.api.rest.ask import AskRequest
from zhongshu.batches.values import Status

Json = dict[str, Any]

TAG = ("kept", "Files and batches", "文件与批处理")
REQUESTS = (RerankRequest, ModerationRequest, SpeechRequest, ImageRequest, BatchRequest, AskRequest)
_REF = "#/components/schemas/{name}"
_BINARY: Json = {"type": "string", "format": "binary"}
_TEXT: Json = {"type": "string"}
_FLAG: Json = {"type": "boolean"}
_TIME: Json = {"type": "integer", "description": "Seconds since 1970, UTC."}
_MAYBE_TIME: Json = {"anyOf": [_TIME, {"type": "null"}]}
_MAYBE_TEXT: Json = {"anyOf": [_TEXT, {"type": "null"}]}
_SOUNDS = ("audio/mpeg", "audio/wav", "audio/opus", "audio/aac", "audio/flac", "audio/pcm")
_NOT_FOUND = {"$ref": "#/components/responses/Problem404"}

EXAMPLES: dict[str, Json] = {
    "RerankRequest": {"model": "bge-reranker-v2-m3", "query": "猫吃什么？", "documents": ["猫爱吃鱼。", "股市下跌。"]},
    "ModerationRequest": {"input": "Is this allowed?"},
    "SpeechRequest": {"model": "tts", "input": "你好", "voice": "alloy"},
    "ImageRequest": {"model": "painter", "prompt": "a red lantern in the snow"},
    "BatchRequest": {
        "input_file_id": "file-0123456789abcdef01234567",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    },
    "AskRequest": {"question": "What is the capital of Shaanxi?"},
}


def _object(properties: Json, *optional: str) -> Json:
    return {"type": "object", "properties": properties, "required": [n for n in properties if n not in optional]}


def _page(of: str) -> Json:
    rows = {"type": "array", "items": {"$ref": _REF.format(name=of)}}
    return _object(
        {"object": {"const": "list"}, "data": rows, "first_id": _MAYBE_TEXT, "last_id": _MAYBE_TEXT, "has_more": _FLAG}
    )


SCHEMAS: Json = {
    "Passed": {"type": "object", "description": "The upstream's own reply, with our object beside it."},
    "FileObject": _object(
        {
            "id": _TEXT,
            "object": {"const": "file"},
            "bytes": {"type": "integer"},
            "created_at": _TIME,
            "expires_at": _MAYBE_TIME,
            "filename": _TEXT,
            "purpose": _TEXT,
            "status": {"const": "processed"},
            "zhongshu": _object({"sha256": _TEXT}),
        }
    ),
    "FilePage": _page("FileObject"),
    "FileDeleted": _object({"id": _TEXT, "object": {"const": "file"}, "deleted": {"const": True}}),
    "BatchObject": _object(
        {
            "id": _TEXT,
            "object": {"const": "batch"},
            "endpoint": _TEXT,
            "status": {"enum": list(Status.__args__)},
            "input_file_id": _TEXT,
            "output_file_id": _MAYBE_TEXT,
            "error_file_id": _MAYBE_TEXT,
            "completion_window": _TEXT,
            "created_at": _TIME,
            "expires_at": _TIME,
            "errors": {"anyOf": [{"type": "object"}, {"type": "null"}]},
            "request_counts": _object({name: {"type": "integer"} for name in ("total", "completed", "failed")}),
        }
    ),
    "BatchPage": _page("BatchObject"),
    "Asked": _object(
        {
            "answer": _TEXT,
            "trace": _TEXT,
            "model": _TEXT,
            "stop": _TEXT,
            "zhongshu": {"$ref": _REF.format(name="Extra")},
        }
    ),
}

_FORM: Json = {
    "model": {"type": "string", "minLength": 1, "maxLength": 256},
    "prompt": _TEXT,
    "stream": _FLAG,
}


def schemas() -> Json:
    """Every schema that these paths name."""
    _, made = msgspec.json.schema_components(REQUESTS, ref_template=_REF)
    return {**made, **SCHEMAS}


def paths() -> Json:
    """Every address with its operations."""
    reranked = [_posted("RerankRequest", "rerank", "Rank documents by a query", "文档重排", suffix=n) for n in range(3)]
    return {
        "/v1/rerank": {"post": reranked[0]},
        "/v2/rerank": {"post": reranked[1]},
        "/rerank": {"post": reranked[2]},
        "/v1/moderations": {"post": _posted("ModerationRequest", "moderation", "Judge texts and pictures", "内容审核")},
        "/v1/audio/speech": {"post": _speech()},
        "/v1/audio/transcriptions": {"post": _heard("transcription", "Sound to text", "语音转文字")},
        "/v1/audio/translations": {"post": _heard("translation", "Sound to English text", "语音译为英文")},
        "/v1/images/generations": {"post": _posted("ImageRequest", "image", "Pictures from words", "文生图")},
        "/v1/images/edits": {"post": _edited()},
        "/v1/ask": {"post": _question()},
        **_file_paths(),
        **_batch_paths(),
    }


def _operation(name: str, en: str, zh: str, content: Json, tag: str = "models") -> Json:
    reply: Json = {"description": "The answer.", "content": content}
    if tag == "models":
        shown = openapi_replies.ANSWER_HEADERS
        reply["headers"] = {header: {"$ref": f"#/components/headers/{header}"} for header in shown}
    return {"tags": [tag], "summary": en, "x-summary-zh": zh, "operationId": name, "responses": {"200": reply}}


def _json(schema: str) -> Json:
    return {"application/json": {"schema": {"$ref": _REF.format(name=schema)}}}


def _body(request: str) -> Json:
    content: Json = {"schema": {"$ref": _REF.format(name=request)}, "example": EXAMPLES[request]}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def _form(properties: Json, *required: str) -> Json:
    schema: Json = {"type": "object", "properties": properties, "required": list(required)}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _posted(request: str, name: str, en: str, zh: str, suffix: int = 0) -> Json:
    return _operation(f"{name}{suffix or ''}", en, zh, _json("Passed")) | _body(request)


def _speech() -> Json:
    content: Json = {sound: {"schema": _BINARY} for sound in _SOUNDS}
    content["text/event-stream"] = {"example": 'data: {"type":"speech.audio.delta","audio":"..."}\n\n'}
    return _operation("speech", "Text to sound", "文字转语音", content) | _body("SpeechRequest")


def _heard(name: str, en: str, zh: str) -> Json:
    content = {**_json("Passed"), "text/plain": {"schema": _TEXT}, "text/event-stream": {"schema": _TEXT}}
    return _operation(name, en, zh, content) | _form({**_FORM, "file": _BINARY}, "model", "file")


def _edited() -> Json:
    operation = _operation("imageEdit", "Pictures from pictures and words", "图像编辑", _json("Passed"))
    return operation | _form({**_FORM, "image": _BINARY}, "model", "image")


def _question() -> Json:
    content = {**_json("Asked"), "text/plain": {"schema": _TEXT}}
    return _operation("ask", "Ask one question", "提一个问题", content) | _body("AskRequest")


def _parameters(*names: str, **queries: Json) -> Json:
    there: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 128}}
        for name in names
    ]
    asked = [{"name": name, "in": "query", "schema": schema} for name, schema in queries.items()]
    return {"parameters": [*there, *asked]}


def _whole_number(most: int) -> Json:
    return {"type": "integer", "minimum": 1, "maximum": most}


def _file_paths() -> Json:
    upload = _form(
        {
            "file": _BINARY,
            "purpose": {"enum": list(PURPOSES)},
            "expires_after[anchor]": {"const": "created_at"},
            "expires_after[seconds]": {"type": "integer", "minimum": 3600, "maximum": 2_592_000},
        },
        "file",
        "purpose",
    )
    queries = _parameters(limit=_whole_number(10_000), after=_TEXT, purpose=_TEXT, order={"enum": ["asc", "desc"]})
    listed = _operation("listFiles", "List files", "列出文件", _json("FilePage"), "kept")
    listed["responses"]["400"] = {"$ref": "#/components/responses/Problem400"}
    one = _parameters("file_id")
    content: Json = {"application/octet-stream": {"schema": _BINARY}}
    return {
        "/v1/files": {
            "get": listed | queries,
            "post": _operation("createFile", "Keep a file", "上传文件", _json("FileObject"), "kept") | upload,
        },
        "/v1/files/{file_id}": {
            "get": _operation("showFile", "Show a file", "查看文件", _json("FileObject"), "kept") | one,
            "delete": _operation("deleteFile", "Delete a file", "删除文件", _json("FileDeleted"), "kept") | one,
        },
        "/v1/files/{file_id}/content": {
            "get": _operation("fileContent", "Read a file", "读取文件内容", content, "kept") | one
        },
    }


def _batch_paths() -> Json:
    listed = _operation("listBatches", "List batches", "列出批次", _json("BatchPage"), "kept")
    listed["responses"]["400"] = {"$ref": "#/components/responses/Problem400"}
    one = _parameters("batch_id")
    cancel = _operation("cancelBatch", "Cancel a batch", "取消批次", _json("BatchObject"), "kept") | one
    cancel["responses"] |= {"404": _NOT_FOUND, "409": {"$ref": "#/components/responses/Problem409"}}
    created = _operation("createBatch", "Answer a file of requests", "创建批次", _json("BatchObject"), "kept")
    return {
        "/v1/batches": {
            "get": listed | _parameters(limit=_whole_number(100), after=_TEXT),
            "post": created | _body("BatchRequest"),
        },
        "/v1/batches/{batch_id}": {
            "get": _operation("showBatch", "Show a batch", "查看批次", _json("BatchObject"), "kept") | one
        },
        "/v1/batches/{batch_id}/cancel": {"post": cancel},
    }
