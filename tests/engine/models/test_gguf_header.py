"""Reading the head of GGUF files, compared with the gguf package that writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType

from zhongshu.core.problems import Fault
from zhongshu.engine.models import gguf_header


def write(path: Path, vocabulary: int = 2000) -> Path:
    writer = GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_block_count(2)
    writer.add_context_length(256)
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(128)
    writer.add_head_count(4)
    writer.add_head_count_kv([2, 0])
    writer.add_file_type(LlamaFileType.MOSTLY_Q4_0)
    writer.add_chat_template("{{ messages }}")
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"t{i}" for i in range(vocabulary)])
    writer.add_token_scores([0.0] * vocabulary)
    writer.add_tensor("token_embd.weight", np.zeros((vocabulary, 64), dtype=np.float32))
    quantised = np.zeros((64, 64 // 32 * 18), dtype=np.uint8)
    writer.add_tensor("blk.0.attn_q.weight", quantised, raw_dtype=GGMLQuantizationType.Q4_0)
    writer.add_tensor("blk.0.attn_norm.weight", np.zeros(64, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_what_a_header_says(tmp_path: Path) -> None:
    header = gguf_header.read(write(tmp_path / "tiny.gguf"))
    assert (header.architecture, header.name, header.layers, header.heads) == ("llama", "tiny", 2, 4)
    assert (header.kv_heads, header.key_dim, header.value_dim) == ((2, 0), 16, 16)
    assert (header.context, header.dimensions, header.feed_forward, header.vocabulary) == (256, 64, 128, 2000)
    assert header.parameters == 2000 * 64 + 64 * 64 + 64
    assert header.tensor_bytes == 2000 * 64 * 4 + 64 * 36 + 64 * 4
    assert header.repacked == 64 * 36
    assert (header.quantisation, header.tied_output) == ("Q4_0", True)
    assert (header.chat_template, header.tokenizer) == ("{{ messages }}", "gpt2")


def test_a_short_vocabulary_is_counted_too(tmp_path: Path) -> None:
    assert gguf_header.read(write(tmp_path / "tiny.gguf", vocabulary=32)).vocabulary == 32


def test_a_file_cut_anywhere_in_its_header_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "tiny.gguf", vocabulary=32).read_bytes()
    header = whole.index(b"blk.0.attn_norm.weight") + 40
    for length in range(0, header, 7):
        (tmp_path / "cut.gguf").write_bytes(whole[:length])
        with pytest.raises(Fault, match="model_file_unreadable"):
            gguf_header.read(tmp_path / "cut.gguf")


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"not a model", "does not begin with GGUF"), (b"GGUF\x09\0\0\0" + b"\0" * 16, "version 9"), (b"", "empty")],
)
def test_other_files_are_refused_with_the_reason(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(Fault) as fault:
        gguf_header.read(tmp_path / "file")
    assert why in fault.value.problem.message


def test_a_missing_file_and_a_huge_length(tmp_path: Path) -> None:
    with pytest.raises(Fault):
        gguf_header.read(tmp_path / "nothing")
    (tmp_path / "file").write_bytes(b"GGUF\x03\0\0\0" + (1).to_bytes(8, "little") + b"\xff" * 8 + b"\xff" * 64)
    with pytest.raises(Fault):
        gguf_header.read(tmp_path / "file")


def test_the_file_types_are_the_gguf_packages() -> None:
    def name(kind: LlamaFileType) -> str:
        return kind.name.removeprefix("MOSTLY_").removeprefix("ALL_")

    known = {int(kind): name(kind) for kind in LlamaFileType if kind is not LlamaFileType.GUESSED}
    assert known == gguf_header._FILE_TYPES  # pyright: ignore[reportPrivateUsage]
