"""In which form objects are answered: as they are, as a Table, or their metadata alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from meshdoctor.serve.api_error import bad_request, not_acceptable
from meshdoctor.serve.table import make_table, partial_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from meshdoctor.serve.resource_type import ResourceType

    Object = Mapping[str, Any]

JSON = "application/json"
_ANY = frozenset({JSON, "application/*", "*/*"})
_INCLUDE = ("None", "Metadata", "Object")


class Form(Enum):
    """The forms an answer can have."""

    OBJECT = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"
    METADATA_LIST = "PartialObjectMetadataList"


_FORMS = {form.value: form for form in Form}


@dataclass(frozen=True, slots=True)
class Representation:
    """How to write objects of one resource for one request."""

    kind: ResourceType
    version: str
    form: Form
    include: str
    """What a Table's rows carry of their objects."""
    now: datetime

    def item(self, item: Object) -> dict[str, Any]:
        """One object with apiVersion and kind, which Lists leave out."""
        whole = {"apiVersion": "", "kind": self.kind.kind, **item}
        whole["apiVersion"] = self.kind.api_version(self.version)
        return whole

    def one(self, item: Object, *, with_columns: bool = True) -> dict[str, Any]:
        """The answer that is one object."""
        if self.form is Form.TABLE:
            metadata = {"resourceVersion": item["metadata"].get("resourceVersion", "")}
            return make_table(
                self.kind,
                [self.item(item)],
                metadata,
                self.include,
                self.now,
                with_columns=with_columns,
            )
        if self.form is Form.OBJECT:
            return self.item(item)
        return partial_metadata(item)

    def list(self, items: Sequence[Object], metadata: dict[str, Any]) -> dict[str, Any]:
        """The answer that is a list.

        Args:
            items: the objects as they are kept: in a List they need no apiVersion.
            metadata: resourceVersion, and where the rest is.
        """
        if self.form is Form.TABLE:
            whole = [self.item(item) for item in items]
            return make_table(self.kind, whole, metadata, self.include, self.now)
        if self.form is Form.OBJECT:
            return {
                "kind": f"{self.kind.kind}List",
                "apiVersion": self.kind.api_version(self.version),
                "metadata": metadata,
                "items": [self._listed(item) for item in items],
            }
        return {
            "kind": Form.METADATA_LIST.value,
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "items": [partial_metadata(item) for item in items],
        }

    def _listed(self, item: Object) -> Object:
        # Custom resources carry theirs also in Lists, and may have been kept in another version.
        return self.item(item) if self.kind.custom else item


def _form(accepted: str) -> Form | None:
    """The form that one media type of an Accept header asks for; None when it is not served."""
    media, *parameters = (part.strip() for part in accepted.split(";"))
    values = dict(part.split("=", 1) for part in parameters if "=" in part)
    if media not in _ANY:
        return None
    if "as" not in values:
        return Form.OBJECT
    if values.get("g", "meta.k8s.io") != "meta.k8s.io" or values.get("v", "v1") != "v1":
        return None
    return _FORMS.get(values["as"])


def read_form(accept: str) -> Form:
    """The first form in an Accept header that is served.

    Args:
        accept: the header; empty accepts everything.

    Raises:
        ApiError: none of them is.
    """
    if not accept:
        return Form.OBJECT
    for one in accept.split(","):
        form = _form(one)
        if form is not None:
            return form
    raise not_acceptable([JSON])


def read_include(query: Mapping[str, str]) -> str:
    """What rows of a Table shall carry.

    Raises:
        ApiError: the query asks for something else than there is.
    """
    include = query.get("includeObject", "Metadata")
    if include not in _INCLUDE:
        raise bad_request(f"unrecognized includeObject value: {include!r}")
    return include
