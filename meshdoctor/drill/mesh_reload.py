"""istiod reloads its mesh configuration: what is in force once the ConfigMap ``istio`` was edited.

istiod lays the text over its defaults (pkg/config/mesh, ``ApplyMeshConfig``); a text that it cannot
read leaves in force what was. No proxy has to be restarted, but for what its own bootstrap holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.model.resource import as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping


def reloaded(in_force: Mapping[str, Any], before: object, after: object) -> Mapping[str, Any]:
    """The settings after an edit.

    Args:
        in_force: what istiod said of itself before.
        before: the ConfigMap's text at that time; None where there was none.
        after: its text now.
    """
    if before == after:
        return in_force
    then, now = _settings(before), _settings(after)
    return in_force if now is None else _replaced(in_force, then or {}, now)


def _settings(text: object) -> Mapping[str, Any] | None:
    """What a text says; None where istiod refuses it."""
    try:
        read = yaml.load(str(text or ""), Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return None
    return read if isinstance(read, dict) else None if read else {}


def _replaced(
    in_force: Mapping[str, Any], then: Mapping[str, Any], now: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What is in force with one text's settings in the place of another's.

    A setting that is no longer written falls back to its default, which consumers know.
    """
    made = {key: value for key, value in in_force.items() if key not in then or key in now}
    for key, value in now.items():
        if isinstance(value, dict):
            parts = (as_mapping(made.get(key)), as_mapping(then.get(key)), value)
            made[key] = _replaced(*parts)
        else:
            made[key] = value
    return made
