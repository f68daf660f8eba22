"""Verification: is the journal what it was? Reads everything, changes nothing, needs no running process.

It recomputes every chain, holds them against the signed checkpoints, and both against an anchor's copy if one is
given. Finds edits, deletions, reordering, truncation, rewriting, and a clock turned back. It cannot see what nothing
outside the forger's reach remembers: records newer than the last checkpoint can be cut off the end unseen.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from zhongshu.ledger.checkpoints import (
    FIRST,
    Checkpoint,
    Signed,
    StreamState,
    Tombstone,
    checkpoint_file,
    line_hash,
    public_key,
    read_line,
    read_lines,
)
from zhongshu.ledger.findings import Finding, Report, finding
from zhongshu.ledger.frames import GENESIS, Frame, chain, pack_fixed
from zhongshu.ledger.reader import Progress
from zhongshu.ledger.segments import Mark, Scan, segment_path, segments, stream_folder, streams

_CHECKPOINTS = "journal/checkpoints.jsonl"
_JUDGED = 20
"""Bad frames of a segment that are looked at closely; it costs a pass over the segment each."""


class _Claim:
    """What checkpoints say of one place of a stream; the first of them with this state counts."""

    __slots__ = ("at_ns", "seq", "state")

    def __init__(self, seq: int, at_ns: int, state: StreamState) -> None:
        self.seq = seq
        self.at_ns = at_ns
        self.state = state


class _Known:
    """What the checkpoints say, sorted by stream."""

    def __init__(self) -> None:
        self.claims: dict[str, list[_Claim]] = {}
        self.tombs: dict[str, Tombstone] = {}

    def learn(self, body: Checkpoint | Tombstone) -> None:
        if isinstance(body, Tombstone):
            self.tombs[body.stream] = body
            return
        for stream, state in body.streams.items():
            claims = self.claims.setdefault(stream, [])
            if not claims or claims[-1].state != state:
                claims.append(_Claim(body.seq, body.at_ns, state))


class Verifier:
    """One verification of one home. tolerance_s: how far a clock may step back. public: the trusted key, hex."""

    def __init__(self, home: Path, *, tolerance_s: float = 5.0, public: str | None = None) -> None:
        self._home = home
        self._tolerance_ns = int(tolerance_s * 1e9)
        self._public = public or public_key(home)
        self._known = _Known()
        self._findings: list[Finding] = []
        self._notes: list[Finding] = []
        self._records = 0
        self._segments = 0
        self._checkpoints = 0

    def run(self, anchor: Path | None = None, progress: Progress | None = None) -> Report:
        """Verify everything. Raises OSError when the anchor cannot be read."""
        path = checkpoint_file(self._home)
        lines = read_lines(path) if path.exists() else []
        self._read_chain(lines)
        if anchor:
            self._compare(lines, read_lines(anchor))
        names = sorted({*streams(self._home), *self._known.claims})
        for stream in names:
            self._stream(stream, progress)
        if not self._known.claims:
            self._notes.append(finding("no_checkpoint", _CHECKPOINTS))
        return Report(
            not self._findings, len(names), self._segments, self._records, self._checkpoints,
            tuple(self._findings), tuple(self._notes),
        )  # fmt: skip

    # the checkpoints

    def _read_chain(self, lines: Iterable[bytes]) -> None:
        prev, last_ns = FIRST, 0
        for number, line in enumerate(lines, 1):
            signed = read_line(line, self._public)
            self._checkpoints += 1
            if signed.trouble or not signed.body:
                self.find("checkpoint", _CHECKPOINTS, line=number, why=signed.trouble)
            elif signed.body.prev != prev or signed.body.seq != number - 1:
                self.find("checkpoint_order", _CHECKPOINTS, line=number)
            if signed.body:
                if last_ns - signed.body.at_ns > self._tolerance_ns:
                    seconds = (last_ns - signed.body.at_ns) / 1e9
                    self.find("checkpoint_clock", _CHECKPOINTS, line=number, seconds=seconds)
                last_ns = signed.body.at_ns
                self._known.learn(signed.body)
            prev = line_hash(line)

    def _compare(self, lines: list[bytes], anchored: list[bytes]) -> None:
        here: dict[int, bytes] = {}
        for line in lines:
            body = read_line(line, None).body
            if body:
                here[body.seq] = line
        for number, line in enumerate(anchored, 1):
            signed: Signed = read_line(line, self._public)
            if not signed.body or signed.trouble:
                self.find("checkpoint", "anchor", line=number, why=signed.trouble)
                if not signed.body:
                    continue
            ours = here.get(signed.body.seq)
            if ours == line:
                continue
            self.find("anchor_more" if ours is None else "anchor_differs", _CHECKPOINTS, seq=signed.body.seq)
            self._known.learn(signed.body)

    # the streams

    def _stream(self, stream: str, progress: Progress | None) -> None:
        folder = stream_folder(self._home, stream)
        present = segments(folder)
        claims = self._known.claims.get(stream, [])
        tomb = self._known.tombs.get(stream)
        if not folder.is_dir():
            self.find("missing_stream", f"journal/{stream}")
            return
        gone = tomb.state.segment if tomb else 0
        if tomb:
            self._notes.append(finding("pruned", f"journal/{stream}", segment=gone))
        last_needed = max((claim.state.segment for claim in claims), default=gone)
        first = present[0] if present and present[0] <= gone else gone + 1
        before = _before(tomb) if first == gone + 1 else None
        last_ns = newer = 0
        covered = claims[-1].state if claims else None
        for number in range(first, max([last_needed, *present], default=0) + 1):
            name = f"journal/{stream}/{number:08d}.zsj"
            if number not in present:
                self.find("missing_segment", name)
                before = None
                continue
            mine = [claim for claim in claims if claim.state.segment == number]
            check = _SegmentCheck(self, stream, number, name, before, mine, last_ns)
            before = check.run(segment_path(folder, number), progress, last=number == present[-1])
            last_ns = check.last_ns
            self._segments += 1
            self._records += before.frame
            if covered and number >= covered.segment:
                newer += before.frame - (covered.frames if number == covered.segment else 0)
        if newer > 0:
            self._notes.append(finding("uncovered", f"journal/{stream}", records=newer))

    def find(self, kind: str, file: str, frame: int = -1, **facts: object) -> None:
        """A sign of tampering or damage."""
        self._findings.append(finding(kind, file, frame, **facts))

    @property
    def tolerance_ns(self) -> int:
        """How far a clock may step back."""
        return self._tolerance_ns

    def note(self, note: Finding) -> None:
        """Something worth saying that is no sign of tampering."""
        self._notes.append(note)


class _SegmentCheck:
    """The check of one segment. before: how the segment in front ended, None when that is not known."""

    def __init__(
        self,
        report: Verifier,
        stream: str,
        number: int,
        name: str,
        before: Mark | None,
        claims: list[_Claim],
        last_ns: int,
    ) -> None:
        self._report = report
        self._stream = stream
        self._number = number
        self._name = name
        self._before = before
        self._claims: dict[int, list[_Claim]] = {}
        for claim in claims:
            self._claims.setdefault(claim.state.frames, []).append(claim)
        self._heads: list[bytes] = []
        self._bad: list[Frame] = []
        self.last_ns = last_ns

    def run(self, path: Path, progress: Progress | None, *, last: bool) -> Mark:
        """Scan it all; returns how it ends."""
        scan = Scan(path, resume=True)
        for frame in scan:
            if progress:
                progress(frame.end - frame.offset)
            if frame.number == 0:
                self._header(scan)
            if scan.bad and scan.bad[-1] == frame.number:
                self._bad.append(frame)
            self._heads.append(frame.head)
            self._time(frame)
            self._claim(frame)
        self._judge_bad()
        if scan.end == "broken":
            self._report.find("unreadable", self._name, max(0, scan.mark.frame), why=scan.why)
        elif scan.end == "torn" and last:
            self._report.note(finding("torn", self._name, max(0, scan.mark.frame)))
        elif scan.end == "torn":
            self._report.find("unreadable", self._name, max(0, scan.mark.frame), why=scan.why)
        found = max(0, scan.mark.frame)
        for claims in self._claims.values():
            for claim in claims:
                self._report.find("truncated", self._name, seq=claim.seq, expected=claim.state.frames, found=found)
        return Mark(self._number, found, scan.mark.offset, scan.mark.head)

    def _header(self, scan: Scan) -> None:
        header = scan.header
        if header is None:
            return
        if header.segment != self._number or header.stream != self._stream:
            self._report.find("header", self._name, why=f"it belongs to {header.stream}/{header.segment:08d}")
        before = self._before
        if before is None:
            return
        if header.prev_frames != before.frame:
            previous = f"{self._name.rpartition('/')[0]}/{before.segment:08d}.zsj"
            self._report.find("count", previous, expected=header.prev_frames, found=before.frame)
        elif header.prev_head != before.head:
            self._report.find("unlinked", self._name)

    def _time(self, frame: Frame) -> None:
        back = self.last_ns - frame.written_ns
        if back > self._report.tolerance_ns:
            self._report.find("clock", self._name, frame.number, seconds=back / 1e9)
        self.last_ns = frame.written_ns

    def _claim(self, frame: Frame) -> None:
        for claim in self._claims.pop(frame.number, ()):
            if claim.state.head != frame.head.hex():
                self._report.find("rewritten", self._name, frame.number, seq=claim.seq)
            ahead = frame.written_ns - claim.at_ns
            if ahead > self._report.tolerance_ns:
                seconds = ahead / 1e9
                self._report.find("clock_checkpoint", self._name, frame.number, seq=claim.seq, seconds=seconds)

    def _judge_bad(self) -> None:
        """A frame that follows from some other frame of the segment was moved; one that follows from none, changed."""
        for nth, frame in enumerate(self._bad):
            kind = "reordered" if nth < _JUDGED and self._follows_any(frame) else "edited"
            self._report.find(kind, self._name, frame.number)

    def _follows_any(self, frame: Frame) -> bool:
        fixed, digest = pack_fixed(len(frame.payload), frame.written_ns), sha256(frame.payload).digest()
        return any(chain(head, fixed, digest) == frame.head for head in self._heads)


def _before(tomb: Tombstone | None) -> Mark:
    if tomb is None:
        return Mark(0, 0, 0, GENESIS)
    return Mark(tomb.state.segment, tomb.state.frames, 0, bytes.fromhex(tomb.state.head))


def verify(
    home: Path,
    *,
    anchor: Path | None = None,
    public: str | None = None,
    tolerance_s: float = 5.0,
    progress: Progress | None = None,
) -> Report:
    """Verify the journal of `home`. anchor: a copy of the checkpoints kept elsewhere; public: the key to trust, hex.

    Raises OSError when the anchor or a segment cannot be read.
    """
    return Verifier(home, tolerance_s=tolerance_s, public=public).run(anchor, progress)
