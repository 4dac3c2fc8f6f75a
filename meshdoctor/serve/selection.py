"""Which objects of a resource a request means: namespace, name, labels and fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.collect.label_selector import SelectorError, matches, parse_selector
from meshdoctor.model.resource import as_mapping, as_strings
from meshdoctor.serve.api_error import bad_request
from meshdoctor.serve.field_selector import FieldTerm, parse_field_selector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.collect.label_selector import Requirement
    from meshdoctor.serve.resource_type import ResourceType


@dataclass(frozen=True, slots=True)
class Selection:
    """What a list, a watch or a deletecollection is about."""

    namespace: str
    """Empty for all."""
    name: str
    """Empty for all; a watch may name one object in its path."""
    labels: tuple[Requirement, ...]
    fields: tuple[FieldTerm, ...]

    @property
    def is_partial(self) -> bool:
        """Whether it selects by more than the namespace."""
        return bool(self.name or self.labels or self.fields)

    def includes(self, item: Mapping[str, Any]) -> bool:
        """Whether an object is meant."""
        metadata = as_mapping(item.get("metadata"))
        if self.namespace and metadata.get("namespace") != self.namespace:
            return False
        if self.name and metadata.get("name") != self.name:
            return False
        if self.labels and not matches(self.labels, as_strings(metadata.get("labels"))):
            return False
        return all(term.matches(item) for term in self.fields)


def read_selection(
    kind: ResourceType, query: Mapping[str, str], namespace: str, name: str = ""
) -> Selection:
    """Read the selectors of a request.

    Args:
        kind: what is selected from.
        query: with ``labelSelector`` and ``fieldSelector``.
        namespace: of the path; empty for all.
        name: of the path; empty for all.

    Raises:
        ApiError: a selector cannot be understood.
    """
    try:
        labels = parse_selector(query.get("labelSelector", ""))
    except SelectorError as error:
        raise bad_request(f"unable to parse requirement: {error}") from None
    fields = parse_field_selector(query.get("fieldSelector", ""), kind)
    return Selection(namespace, name, labels, fields)
