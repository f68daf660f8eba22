"""What is wrong with the settings, said so that it can be mended: where, what, what is allowed, and the remedy."""

from __future__ import annotations

import msgspec


class Complaint(msgspec.Struct, frozen=True):
    """One mistake. `where`: "zhongshu.toml line 12", an environment variable, an option or a worker; "" where nothing is to
    be said of it. `key`: "server.port". `value`: as written, or "" when it must not be shown. `remedy`: what to do, in
    English and Chinese."""

    where: str
    where_zh: str
    key: str
    value: str
    remedy: str
    remedy_zh: str

    def sentence(self, *, chinese: bool = False) -> str:
        """The whole complaint on one line."""
        what = f"{self.key} = {self.value}" if self.value else self.key
        if chinese:
            return "：".join(filter(None, (self.where_zh, what, self.remedy_zh)))
        return ": ".join(filter(None, (self.where, what, self.remedy)))


class SettingsError(ValueError):
    """The settings cannot be used. Carries every complaint found, not only the first."""

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        super().__init__("\n".join(complaint.sentence() for complaint in complaints))
        self.complaints = complaints

    def text(self, *, chinese: bool = False) -> str:
        """Every complaint, a line each."""
        return "\n".join(complaint.sentence(chinese=chinese) for complaint in self.complaints)
