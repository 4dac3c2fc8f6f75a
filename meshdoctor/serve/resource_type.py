"""A resource as discovery names it: group, versions, kind, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshdoctor.model.not_read import NotRead

ALL_VERBS = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)
READ_VERBS = ("get", "list")
Key = tuple[str, str]
"""API group (empty for the core group) and plural: where objects are kept."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a Table, as a CRD's ``additionalPrinterColumns`` writes it."""

    name: str
    type: str
    json_path: str
    priority: int = 0
    """0 is always shown, more only with ``-o wide``."""
    format: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One resource of the API."""

    group: str
    """Empty for the core group."""
    plural: str
    kind: str
    versions: tuple[str, ...] = ("v1",)
    """Served ones, the preferred first."""
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    singular: str = ""
    """Empty for the kind in small letters."""
    has_status: bool = False
    """``status`` is written through a subresource of its own only."""
    has_scale: bool = False
    verbs: tuple[str, ...] = ALL_VERBS
    custom: bool = False
    """Defined by a CRD."""
    columns: tuple[Column, ...] | None = None
    """What its Table shows; None for what kubectl shows of a built-in kind."""
    unread: NotRead | None = None
    """Why its objects are not known: they are refused, never answered as none."""
    read_namespaces: frozenset[str] = frozenset()
    """Where it is nevertheless known what there is: not all namespaces were denied."""

    @property
    def key(self) -> Key:
        """Where its objects are kept."""
        return self.group, self.plural

    @property
    def qualified(self) -> str:
        """``plural`` or ``plural.group``, as error messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def singular_name(self) -> str:
        """Its name for one object, as kubectl takes and prints it."""
        return self.singular or self.kind.lower()

    def api_version(self, version: str) -> str:
        """``v1`` or ``group/version``."""
        return f"{self.group}/{version}" if self.group else version
