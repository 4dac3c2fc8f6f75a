"""Edits of a mesh, as kubectl makes them: played in memory, or told as kubectl's own words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.drill.manifests import LAST_APPLIED
from meshdoctor.drill.naming import uid
from meshdoctor.drill.objects import spec_of
from meshdoctor.drill.rules import RefusedWriteError, checked_change
from meshdoctor.drill.targets import Target, TargetError, parse_target
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.api_error import ApiError
from meshdoctor.serve.clock import rfc3339
from meshdoctor.serve.defaults import add_defaults, normalize
from meshdoctor.serve.json_patch import PatchError, json_patch, merge_patch
from meshdoctor.serve.new_object import immutable_field
from meshdoctor.serve.object_store import name_of
from meshdoctor.serve.strategic_patch import strategic_patch
from meshdoctor.serve.template_labels import FIELD, UNSELECTED, misses_own_pods

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from meshdoctor.serve.cluster import Cluster
    from meshdoctor.serve.object_store import Object

RESTARTED = "kubectl.kubernetes.io/restartedAt"
_BOOKKEEPING = ("metadata", "status", "apiVersion", "kind")


class EditError(ValueError):
    """An edit that cannot be made; the message is one line."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One command of kubectl."""

    verb: str
    """apply, replace, patch, label, annotate, delete, restart, scale or set-image."""
    target: Target
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What the verb needs besides."""

    def apply(self, cluster: Cluster) -> None:
        """Make it in memory; the cluster's controllers see it as any other write.

        Raises:
            EditError: there is no such object, the patch does not fit it, or it is refused.
        """
        target, store = self.target, cluster.store
        old = store.get(target.key, target.namespace, target.name)
        if self.verb == "delete" and old is not None:
            store.remove(target.key, *name_of(old))
            return
        made = self.made(cluster)
        if made is not None:
            self._write(cluster, made, old)

    def _write(self, cluster: Cluster, item: Object, old: Object | None) -> None:
        try:
            cluster.store.put(self.target.key, cluster.admit(self.target.key, item, old))
        except ApiError as error:
            raise EditError(f"{self.target}: {' '.join(str(error).split())}") from None

    def made(self, cluster: Cluster) -> dict[str, Any] | None:
        """The object as it will be, of any verb but ``delete``; None where nothing differs.

        Args:
            cluster: what would be written to; nothing is.

        Raises:
            EditError: there is no such object, or the patch does not fit it.
        """
        target = self.target
        old = cluster.store.get(target.key, target.namespace, target.name)
        if self.verb == "apply" and old is None:
            return _created(cluster, target, self.settings["object"])
        if old is None:
            raise EditError(f"{target} is not there")
        try:
            if self.verb == "replace":
                return _replaced(cluster, target, old, self.settings["object"])
            made = _changed(target, old, self._patched(cluster, old))
        except (PatchError, RefusedWriteError) as error:
            raise EditError(f"{target}: {error}") from None
        if made is not None and (field := immutable_field(target.key, old, made)):
            raise EditError(f"{target}: {field} is immutable")
        return made

    def _patched(self, cluster: Cluster, old: Object) -> Mapping[str, Any]:
        given = self.settings
        match self.verb:
            case "apply":
                return _applied(self.target, old, given["object"])
            case "patch":
                return _with_patch(self.target, old, given.get("type", "merge"), given["patch"])
            case "label" | "annotate":
                part = "labels" if self.verb == "label" else "annotations"
                return _merged(old, {"metadata": {part: given["set"]}})
            case "scale":
                return _merged(old, {"spec": {"replicas": given["replicas"]}})
            case "restart":
                return _restarted(old, cluster.now())
        one = {"name": given["container"], "image": given["image"]}
        patch = {"spec": {"template": {"spec": {"containers": [one]}}}}
        return strategic_patch(old, patch)

    def kubectl(self) -> tuple[list[str], str]:
        """The same as kubectl's arguments, and what goes to its standard input."""
        what, given = self.target.kubectl, self.settings
        match self.verb:
            case "apply" | "replace":
                return [self.verb, "-f", "-"], yaml.safe_dump(given["object"], sort_keys=False)
            case "patch":
                kind, text = given.get("type", "merge"), json.dumps(given["patch"])
                return ["patch", *what, "--type", kind, "-p", text], ""
            case "label" | "annotate":
                words = [f"{k}-" if v is None else f"{k}={v}" for k, v in given["set"].items()]
                return [self.verb, *what, *words, "--overwrite"], ""
            case "scale":
                return ["scale", *what, f"--replicas={given['replicas']}"], ""
            case "restart":
                return ["rollout", "restart", *what], ""
            case "set-image":
                return ["set", "image", *what, f"{given['container']}={given['image']}"], ""
        return ["delete", *what], ""


def _restarted(old: Object, now: datetime) -> Mapping[str, Any]:
    """With the time of the restart in its template; two restarts never have the same."""
    metadata = as_mapping(as_mapping(spec_of(old).get("template")).get("metadata"))
    before = as_mapping(metadata.get("annotations")).get(RESTARTED)
    while rfc3339(now) == before:
        now += timedelta(seconds=1)
    stamp = {"annotations": {RESTARTED: rfc3339(now)}}
    return _merged(old, {"spec": {"template": {"metadata": stamp}}})


def _merged(old: Object, patch: Mapping[str, Any]) -> Mapping[str, Any]:
    merged: Mapping[str, Any] = merge_patch(old, patch)
    return merged


def _with_patch(target: Target, old: Object, kind: str, patch: Any) -> Mapping[str, Any]:
    if kind == "json":
        patched: Mapping[str, Any] = json_patch(old, patch)
        return patched
    if kind == "strategic":
        if target.kind.custom:
            raise EditError(f"{target}: a custom resource has no strategic merge patch")
        return strategic_patch(old, patch)
    return _merged(old, patch)


def _applied(target: Target, old: Object, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object as a whole manifest wants it: what the manifest leaves out of a spec is gone.

    kubectl takes away what its last manifest had; a candidate's manifest is the whole object.
    """
    if not target.kind.custom:
        return strategic_patch(old, given)
    metadata = merge_patch(old["metadata"], as_mapping(given.get("metadata")))
    kept = {key: old[key] for key in ("status", "apiVersion", "kind") if key in old}
    return {**given, **kept, "metadata": metadata}


def _changed(target: Target, old: Object, new: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is written: with its generation; None where nothing differs."""
    if misses_own_pods(target.key, new):
        raise EditError(f"{target}: {FIELD}: {UNSELECTED}")
    made = {**new, "metadata": {**old["metadata"], **new["metadata"]}}
    for part in ("labels", "annotations"):
        if part in new["metadata"]:
            made["metadata"][part] = new["metadata"][part]
    if not as_mapping(old).get("apiVersion"):
        made.pop("apiVersion", None)
        made.pop("kind", None)
    if made == old:
        return None

    def meant(item: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in item.items() if key not in _BOOKKEEPING}

    if "generation" in old["metadata"] and meant(made) != meant(old):
        made["metadata"]["generation"] = int(old["metadata"]["generation"]) + 1
    return made


def _created(cluster: Cluster, target: Target, given: Mapping[str, Any]) -> dict[str, Any]:
    if target.namespace and not cluster.has_namespace(target.namespace):
        raise EditError(f"there is no namespace {target.namespace}")
    metadata = {
        **as_mapping(given.get("metadata")),
        "uid": uid(target, cluster.store.version),
        "creationTimestamp": cluster.clock.timestamp(),
    }
    if spec_of(given) and target.kind.group not in ("core", "discovery.k8s.io"):
        metadata["generation"] = 1
    item = {**given, "metadata": metadata}
    if not target.kind.custom:
        item.pop("apiVersion", None)
        item.pop("kind", None)
    normalize(target.key, item)
    add_defaults(target.key, item, cluster.store)
    return item


def _replaced(
    cluster: Cluster, target: Target, old: Object, given: Mapping[str, Any]
) -> dict[str, Any] | None:
    """An object in place of another, as ``kubectl edit`` writes it; None where nothing differs.

    Raises:
        RefusedWriteError: the API server would refuse it.
    """
    before = as_mapping(old["metadata"].get("annotations")).get(LAST_APPLIED)
    if before is not None:
        # It is not shown, so that nobody can mean to take it away.
        metadata = as_mapping(given.get("metadata"))
        annotations = {LAST_APPLIED: before, **as_mapping(metadata.get("annotations"))}
        given = {**given, "metadata": {**metadata, "annotations": annotations}}
    made = checked_change(cluster, target, old, given)
    return None if made == old else made


def _object_of(document: Mapping[str, Any]) -> Target:
    """The target of a manifest."""
    metadata = as_mapping(document.get("metadata"))
    group = str(document.get("apiVersion") or "").rpartition("/")[0] or "core"
    place = "/".join(str(one) for one in (metadata.get("namespace"), metadata.get("name")) if one)
    return parse_target(f"{document.get('kind')}.{group} {place}")


def parse_edit(document: Mapping[str, Any]) -> Edit:
    """Read one edit of a drill's YAML: a single key, the verb.

    Raises:
        TargetError: it names no object.
    """
    verb, body = next(iter(document.items()))
    if verb == "apply":
        return Edit(verb, _object_of(body), {"object": body})
    given = {key: value for key, value in as_mapping(body).items() if key != "object"}
    return Edit(str(verb), parse_target(str(as_mapping(body).get("object") or "")), given)


def parse_edits(documents: object) -> tuple[Edit, ...]:
    """Read a drill's edits.

    Raises:
        TargetError: one names no object.
    """
    return tuple(parse_edit(one) for one in as_list(documents))


__all__ = ["Edit", "EditError", "TargetError", "parse_edit", "parse_edits"]
