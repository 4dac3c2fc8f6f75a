"""A text of manifests as the edits that ``kubectl apply`` makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.drill.edits import Edit, EditError
from meshdoctor.drill.manifests import read_manifests
from meshdoctor.drill.rules import RefusedWriteError, checked_change, checked_new, target_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from meshdoctor.drill.targets import Target
    from meshdoctor.serve.cluster import Cluster


def pasted(cluster: Cluster, text: str) -> Iterator[Edit]:
    """What applying a text does, manifest by manifest.

    Each is looked at once those before it were applied: a namespace may come with what is in it.

    Args:
        cluster: what is written to, by the caller.
        text: one manifest or more.

    Raises:
        ManifestError: it is no YAML, or no manifest.
        EditError: the API server would refuse one of them.
    """
    documents = read_manifests(text)
    if not documents:
        raise EditError("there is no manifest: paste one that begins with apiVersion and kind")
    for document in documents:
        try:
            target = target_of(cluster, document)
            edit = Edit("apply", target, {"object": _placed(document, target)})
            old = cluster.store.get(target.key, target.namespace, target.name)
            if old is None:
                checked_new(cluster, target, document)
            elif (made := edit.made(cluster)) is not None:
                checked_change(cluster, target, old, made)
        except RefusedWriteError as error:
            raise EditError(str(error)) from None
        yield edit


def _placed(document: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """A manifest with the namespace that it means, and without what the server writes."""
    metadata = {**document["metadata"], "name": target.name}
    for field in ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"):
        metadata.pop(field, None)
    if target.namespace:
        metadata["namespace"] = target.namespace
    return {**document, "metadata": metadata}


def edited(target: Target, text: str) -> Edit:
    """What saving an object's edited YAML does, as ``kubectl edit`` does it.

    Args:
        target: the object that was opened.
        text: its YAML after editing.

    Raises:
        ManifestError: it is no YAML, or no manifest.
        EditError: it is not one object, or another one.
    """
    documents = read_manifests(text)
    if len(documents) != 1:
        raise EditError(f"{target} is one object: the text holds {len(documents)}")
    return Edit("replace", target, {"object": documents[0]})
