"""Bilingual text: Chinese first, English second, both side by side where they are written."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    zh: str
    en: str

    def pick(self, lang: str) -> str:
        """The sentence in `lang` ("zh…" or "en…"); an untranslated one falls back to Chinese."""
        return (self.en or self.zh) if lang.startswith("en") else self.zh

    def __str__(self) -> str:
        from django.utils.translation import get_language

        return self.pick(get_language() or "zh")


def text_of(raw: object, where: str) -> Text:
    """A table's `{ zh = "…", en = "…" }`; ValueError names the place when one is missing."""
    if isinstance(raw, dict) and set(raw) == {"zh", "en"}:
        return Text(str(raw["zh"]), str(raw["en"]))
    raise ValueError(f"{where}: a title is {{ zh = \"…\", en = \"…\" }}, not {raw!r}")
