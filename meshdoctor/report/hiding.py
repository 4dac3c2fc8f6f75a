"""The redactor once more: a recording may come from elsewhere, and a report goes anywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from meshdoctor.recording.redact import Redactor

_AS_TEXT = "report"
"""Texts of a report are of no kind of file: every rule looks at them."""
_OURS = re.compile(
    r"(?:[\w-]+: )?(?:Bearer )?\$[A-Z][A-Z0-9_]*|\b[A-Z][A-Za-z]+ [a-z0-9-]+/[a-z0-9.-]+"
)
"""What meshdoctor's own words hold that looks like a secret: ``Bearer $TOKEN`` in a command, and
``Secret shop/tls-secret: Deployment …`` in a sentence."""
_TOKEN = re.compile(r"<token:[0-9a-f]{6}>")


@dataclass(slots=True)
class Hider:
    """Hides what the redactor knows as a secret; equal secrets stay equal.

    The redactor's tokens come of a salt nobody keeps. They are numbered here, in the order in which
    they are met, so that two reports of one recording are the same.
    """

    _redactor: Redactor = field(default_factory=Redactor)
    _known: dict[str, str] = field(default_factory=dict)
    _numbers: dict[str, str] = field(default_factory=dict)
    hidden: int = 0
    """How many texts held a secret that nobody had hidden before."""

    def hide(self, where: str, text: str) -> str:
        """A text without secrets; where it stands makes no difference."""
        del where
        if text not in self._known:
            self._known[text] = self._hidden(text)
        return self._known[text]

    def _redacted(self, text: str) -> str:
        data = self._redactor.redact(_AS_TEXT, text.encode("utf-8", "surrogatepass"))
        return data.decode("utf-8", "surrogatepass")

    def _hidden(self, text: str) -> str:
        made = self._redacted(text)
        if made == text:
            return text
        without_ours = _OURS.sub("it", text)
        if self._redacted(without_ours) == without_ours:
            return text
        self.hidden += 1
        before = set(_TOKEN.findall(text))
        return _TOKEN.sub(
            lambda found: found[0] if found[0] in before else self._numbered(found[0]), made
        )

    def _numbered(self, token: str) -> str:
        return self._numbers.setdefault(token, f"<secret:{len(self._numbers) + 1}>")
