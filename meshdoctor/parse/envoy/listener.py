"""Listeners of a config dump."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.listener import Listener, ListenerState
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.parse.envoy.address import read_address
from meshdoctor.parse.envoy.error_state import read_error_state
from meshdoctor.parse.envoy.fields import Notes, mappings, text
from meshdoctor.parse.envoy.filter_chain import read_filter_chain
from meshdoctor.parse.envoy.sharing import TIMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.envoy.error_state import ErrorState
    from meshdoctor.parse.envoy.section import Section

_STATES: tuple[ListenerState, ...] = ("active", "warming", "draining")


def _addresses(config: Mapping[str, Any]) -> tuple[str, ...]:
    values = [config.get("address")]
    values += [as_mapping(i).get("address") for i in as_list(config.get("additional_addresses"))]
    return tuple(address for value in values if (address := read_address(value).address))


def _read_listener(
    holder: Mapping[str, Any],
    config: Mapping[str, Any],
    state: ListenerState,
    places: tuple[str, str],
    notes: Notes,
    error: tuple[ErrorState | None, Listener | None] = (None, None),
) -> Listener:
    """Read one state of a listener; ``places`` are the entry's pointer and the config's."""
    at = places[1]
    default = config.get("default_filter_chain")
    return Listener(
        name=text(config.get("name")) or text(holder.get("name")),
        addresses=_addresses(config),
        port=read_address(config.get("address")).port,
        state=state,
        traffic_direction=text(config.get("traffic_direction")),
        bind_to_port=config.get("bind_to_port") is not False,
        internal=isinstance(config.get("internal_listener"), dict),
        filter_chains=tuple(
            read_filter_chain(chain, place, notes)
            for place, chain in mappings(config.get("filter_chains"), f"{at}/filter_chains", notes)
        ),
        default_filter_chain=read_filter_chain(default, f"{at}/default_filter_chain", notes)
        if isinstance(default, dict)
        else None,
        has_matcher=isinstance(config.get("filter_chain_matcher"), dict),
        listener_filters=tuple(
            text(as_mapping(item).get("name")) for item in as_list(config.get("listener_filters"))
        ),
        error=error[0],
        failed=error[1],
        version=text(holder.get("version_info")),
        pointer=places[0],
    )


def _read_failed(entry: Mapping[str, Any], pointer: str, notes: Notes) -> Listener | None:
    """The configuration Envoy refused."""
    failure = as_mapping(entry.get("error_state"))
    if not failure:
        return None
    config = as_mapping(failure.get("failed_configuration"))
    error = read_error_state(failure, f"{pointer}/error_state")
    at = f"{pointer}/error_state/failed_configuration"
    return _read_listener(entry, config, "failed", (pointer, at), notes, (error, None))


def _dynamic(entry: Mapping[str, Any], pointer: str, notes: Notes) -> Iterator[Listener]:
    failed = _read_failed(entry, pointer, notes)
    error = (failed.error, failed) if failed else (None, None)
    name = text(entry.get("name"))
    found = False
    for state in _STATES:
        holder = as_mapping(entry.get(f"{state}_state"))
        config = holder.get("listener")
        if not isinstance(config, dict):
            continue
        at = f"{pointer}/{state}_state/listener"
        named = holder if config.get("name") else {**holder, "name": name}
        yield _read_listener(named, config, state, (pointer, at), notes, error)
        # The error belongs to the listener, so only its first state carries it.
        error, found = (None, None), True
    if failed and not found:
        yield failed
    elif not found:
        notes.add(pointer, "a listener in no state")


def _without_repeats(listeners: list[Listener]) -> Iterator[Listener]:
    """Leave out failures that Envoy prints a second time, without a name or a time."""
    told = {
        (item.name, item.error.details)
        for item in listeners
        if item.error and (item.state != "failed" or item.error.last_update_attempt)
    }
    for item in listeners:
        nameless = item.state == "failed" and item.error and not item.error.last_update_attempt
        if not (nameless and item.error and (item.name, item.error.details) in told):
            yield item


def _static(entry: Mapping[str, Any], pointer: str, notes: Notes) -> Iterator[Listener]:
    config = entry.get("listener")
    if not isinstance(config, dict):
        notes.add(pointer, "no listener")
        return
    yield _read_listener(entry, config, "static", (pointer, f"{pointer}/listener"), notes)


def read_listeners(section: Section) -> tuple[Listener, ...]:
    """Read a ``ListenersConfigDump``: dynamic ones in all their states, then static ones."""
    found = [
        *section.read_alike("dynamic_listeners", TIMES, _dynamic),
        *section.read_alike("static_listeners", TIMES, _static),
    ]
    return tuple(_without_repeats(found))
