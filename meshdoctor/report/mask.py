"""``--mask``: names and addresses become pseudonyms, the same one everywhere in a report."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from meshdoctor.model import kinds
from meshdoctor.report.mask_addresses import Addresses
from meshdoctor.report.mask_kept import LIBRARY, SYNTAX, vocabulary
from meshdoctor.report.mask_names import GROUPS, names_of
from meshdoctor.report.texts import with_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.report.document import Document

_TOKEN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_SEPARATORS = re.compile(r"([._-])")
_PROSE_FIELDS = """
message summary title because text do changes reason why_missing
"""
_PROSE = frozenset(_PROSE_FIELDS.split())
"""Fields that hold sentences: a word of everyday English in them is not a name by itself."""
_BEFORE = frozenset("/=\"'`@|([,:.*~")
_AFTER = frozenset('/"`@|=')
_NAMING = re.compile(
    r"(?:^|[\s(])(?:-n|-l|--namespace|"
    + "|".join(sorted({w for k in kinds.ALL for w in (k.name, k.name.lower(), k.plural)}))
    + r"|quota:|called|named)(?:\.[a-z0-9.]+)? $"
)
"""Words after which a name stands."""
_CERTIFICATE = re.compile(
    r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]+|-----BEGIN [A-Z0-9 ]+-----(?:.*?-----END [A-Z0-9 ]+-----|.*)"
    r"|(?<![A-Za-z0-9+/])MII[A-Za-z0-9+/]{60,}={0,2}",
    re.DOTALL,
)
"""PEM, PEM in base64 and DER in base64: what is encoded holds subjects and hosts."""
_CERTIFICATE_SHOWN = "<certificate>"
_IN_NAMESPACE = re.compile(r"(?:^|[\s(])(?:in|of|from|namespaces) $")
"""Words after which a namespace stands."""


@dataclass(slots=True)
class Pseudonyms:
    """The map from what is real to what is shown; kept apart from the report."""

    names: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def give(self, groups: Mapping[str, str]) -> None:
        """Name what has no pseudonym yet; the order of the names decides, so it is the same again.

        Args:
            groups: each name with its group.
        """
        used = {*self.names.values(), *groups}
        for group in GROUPS:
            number = 0
            for name in sorted(name for name, of in groups.items() if of == group):
                if name in self.names:
                    continue
                number += 1
                while f"{group}-{number}" in used:
                    number += 1
                self.names[name] = f"{group}-{number}"
                used.add(f"{group}-{number}")


@dataclass(slots=True)
class Masker:
    """Replaces names and addresses in texts."""

    pseudonyms: Pseudonyms
    _plain: frozenset[str] = frozenset()
    """Names that are words of commands, too, or label values that are everyday words: replaced
    where a name stands, never by themselves."""
    _everyday: frozenset[str] = frozenset()
    """Names of objects that are words of meshdoctor's own sentences, too: replaced as whole words
    as well. A sentence may read oddly then; better than a name that leaves."""
    _literal: tuple[str, ...] = ()
    """Names with letters that no token has (``arn:aws:eks:…``), the longest first."""

    @classmethod
    def of(cls, pseudonyms: Pseudonyms) -> Masker:
        """A masker that knows these pseudonyms."""
        names = pseudonyms.names
        odd = [name for name in names if not _TOKEN.fullmatch(name)]
        everyday = frozenset(name for name in names if name in vocabulary())
        plain = frozenset(
            name
            for name, shown in names.items()
            if name in SYNTAX or len(name) < 3 or (name in everyday and shown.startswith("label-"))
        )
        return cls(
            pseudonyms,
            plain,
            everyday - plain,
            tuple(sorted(odd, key=lambda name: (-len(name), name))),
        )

    def change(self, where: str, text: str) -> str:
        """A text of a report, masked.

        Args:
            where: the field that holds it.
            text: what stands there.
        """
        if where in LIBRARY or not text:
            return text
        text = _CERTIFICATE.sub(_CERTIFICATE_SHOWN, text)
        for name in self._literal:
            text = re.sub(re.escape(name), self.pseudonyms.names[name], text, flags=re.IGNORECASE)
        addresses = Addresses(self.pseudonyms.addresses)
        text = addresses.mask(text)
        return _TOKEN.sub(lambda found: self._token(found, in_prose=where in _PROSE), text)

    def _token(self, found: re.Match[str], *, in_prose: bool) -> str:
        """One run of letters, digits, dots and dashes: its longest known parts replaced."""
        whole = found[0].lower()
        if whole in self.pseudonyms.names and not self._is_doubtful(whole, found[0]):
            return self.pseudonyms.names[whole]
        parts = _SEPARATORS.split(found[0])
        made, at, offset = [], 0, found.start()
        while at < len(parts):
            name, end = self._longest(parts, at)
            written = "".join(parts[at:end])
            ends = offset + len(written)
            hides = name in self.pseudonyms.names and (
                not self._is_doubtful(name, written, joined=len(parts) > end - at)
                or self._names(found.string, offset, ends, in_prose)
            )
            made.append(self.pseudonyms.names[name] if hides else written)
            at, offset = end, ends
        return "".join(made)

    def _is_doubtful(self, name: str, written: str, *, joined: bool = False) -> bool:
        """Whether it takes more than its letters to tell that this is a name.

        Args:
            name: the name in small letters.
            written: as it stands there; ``JWT`` is no object called ``jwt``.
            joined: whether it is a part of something longer, as in ``jwt_authn``.
        """
        if name in self._everyday:
            return joined or written != name
        return name in self._plain

    def _longest(self, parts: list[str], at: int) -> tuple[str, int]:
        for end in range(len(parts), at, -1):
            name = "".join(parts[at:end]).lower()
            if name in self.pseudonyms.names:
                return name, end
        return "", at + 1

    def _names(self, text: str, start: int, end: int, in_prose: bool) -> bool:
        """Whether an everyday word stands where a name stands."""
        before, after = text[start - 1 : start], text[end : end + 2]
        if start == 0 and end == len(text):
            return True
        if before in _BEFORE and before:
            return not (in_prose and before in "(,:'")
        if after[:1] in _AFTER and after:
            return True
        if after[:1] == "." and after[1:].isalnum():
            return True
        of_namespace = self.pseudonyms.names[text[start:end].lower()].startswith("ns-")
        return bool(
            _NAMING.search(text, 0, start)
            or (of_namespace and _IN_NAMESPACE.search(text, 0, start))
        )


def masked(
    mesh: Snapshot, document: Document, known: Pseudonyms | None = None
) -> tuple[Document, Pseudonyms]:
    """The report with pseudonyms, and the map that leads back.

    Args:
        mesh: what the report is about: its objects bear the names.
        document: the report.
        known: pseudonyms given before, so that two reports can be compared.
    """
    pseudonyms = known or Pseudonyms()
    pseudonyms.give(names_of(mesh, document))
    masker = Masker.of(pseudonyms)
    return replace(with_texts(document, masker.change), is_masked=True), pseudonyms


def used(pseudonyms: Pseudonyms) -> Iterable[tuple[str, str]]:
    """Every pair of the map, in order."""
    return sorted({**pseudonyms.names, **pseudonyms.addresses}.items())
