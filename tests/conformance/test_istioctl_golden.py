"""What istioctl prints of config dumps, against what our model and views say.

Goldens come from MESHDOCTOR_CONFORMANCE (istioctl's own tests, and further answers of a built
istioctl). Checked by name below. Not checked here, and why:

- ``proxy-config-cli-*`` other than the two on an empty dump: they are about flags, pods that do
  not exist and ``proxy-config log``, which changes a proxy and is not ours to offer.
- ``secret-writer-*``: they print hand-made table items with a source, a destination and the
  certificate's text; our rows are made of certificates only. The headers are checked by the
  tables of ``proxy-config secret``.
- ``authz-check-missing-file``: a file that is not there is the command line's business.
- Areas other than ``proxy-config``, ``route-domains``, ``listener-filter`` and ``authz-check``
  (proxy-status, describe, tag, waypoint, validate …): not about one proxy's configuration.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshdoctor.model.envoy import ConfigDump
from meshdoctor.model.envoy.config_dump import CLUSTERS, ECDS, ROUTES, SECRETS
from meshdoctor.parse.envoy import parse_config_dump
from meshdoctor.views.proxy_config import cluster, eds, listener, route, secret
from meshdoctor.views.proxy_config.domains import describe_domains
from meshdoctor.views.proxy_config.ordering import cluster_key

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = (
    ROOT / os.environ.get("MESHDOCTOR_CONFORMANCE", "../shared/conformance") / "istioctl-golden"
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""Roots in the goldens live until 2033, leaves died in 2023 and 2024."""
ENVOY = "type.googleapis.com/envoy.admin.v3."

pytestmark = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason=f"istioctl's goldens are not at {GOLDEN}"
)

TABLES = (
    "derived-describe-describe-http-config.json-proxy-config-cluster-port-80-o-short",
    "derived-proxyconfig-config-dump.json-proxy-config-cluster-o-short",
    "derived-proxyconfig-config-dump.json-proxy-config-cluster-direction-inbound-o-short",
    "derived-writer-compare-configdump.json-proxy-config-cluster-o-short",
    "derived-writer-compare-configdump.json-proxy-config-cluster-direction-inbound-o-short",
    "derived-writer-compare-configdump-diff.json-proxy-config-cluster-o-short",
    "derived-writer-compare-configdump-diff.json-proxy-config-cluster-direction-inbound-o-short",
    "derived-authz-configdump.yaml-proxy-config-listener-o-short",
    "derived-authz-configdump.yaml-proxy-config-listener-port-15006-o-short",
    "derived-authz-configdump.yaml-proxy-config-listener-type-HTTP-o-short",
    "derived-authz-configdump.yaml-proxy-config-listener-verbose-false-o-short",
    "derived-proxyconfig-config-dump.json-proxy-config-listener-o-short",
    "derived-proxyconfig-config-dump.json-proxy-config-listener-port-15006-o-short",
    "derived-proxyconfig-config-dump.json-proxy-config-listener-type-HTTP-o-short",
    "derived-proxyconfig-config-dump.json-proxy-config-listener-verbose-false-o-short",
    "derived-writer-compare-configdump.json-proxy-config-listener-o-short",
    "derived-writer-compare-configdump.json-proxy-config-listener-type-HTTP-o-short",
    "derived-writer-compare-configdump.json-proxy-config-listener-verbose-false-o-short",
    "derived-writer-compare-configdump-diff.json-proxy-config-listener-o-short",
    "derived-writer-compare-configdump-diff.json-proxy-config-listener-type-HTTP-o-short",
    "derived-writer-compare-configdump-diff.json-proxy-config-listener-verbose-false-o-short",
    "proxy-config-route-empty-gateway",
    "proxy-config-route-k8s-gateway-http-route-path-prefix",
    "derived-describe-describe-http-config.json-proxy-config-route-verbose-false-o-short",
    "derived-describe-describe-tls-config.json-proxy-config-route-o-short",
    "derived-writer-envoy-configdump-routes-empty-gateway-configdump.json-proxy-config-route-o-short",
    "derived-writer-envoy-configdump-routes-empty-gateway-configdump.json-proxy-config-route-verbose-false-o-short",
    "derived-writer-envoy-configdump-routes-k8s-gateway-http-route-path-prefix-configdump.json-proxy-config-route-o-short",
    "derived-writer-envoy-configdump-routes-k8s-gateway-http-route-path-prefix-configdump.json-proxy-config-route-verbose-false-o-short",
    "proxy-config-eds-emptyfilter-short",
    "proxy-config-eds-portfilter-short",
    "derived-authz-configdump.yaml-proxy-config-eds-o-short",
    "derived-writer-envoy-configdump-endpoint-configdump.json-proxy-config-eds-o-short",
    "derived-writer-envoy-configdump-endpoint-configdump.json-proxy-config-eds-status-healthy-o-short",
    "derived-writer-envoy-configdump-endpoint-configdump.json-proxy-config-eds-port-15020-o-short",
    "proxy-config-secret-istio",
    "proxy-config-secret-spire",
    "derived-proxyconfig-config-dump.json-proxy-config-secret-o-short",
    "derived-writer-envoy-configdump-secret-istio-config-dump.json-proxy-config-secret-o-short",
    "derived-writer-envoy-configdump-secret-spire-config-dump.json-proxy-config-secret-o-short",
)
"""Tables: the same header and the same cells in the same order."""

DUMPS = (
    "derived-proxyconfig-config-dump.json-proxy-config-cluster-o-json",
    "derived-writer-compare-configdump.json-proxy-config-cluster-o-json",
    "derived-writer-compare-configdump-diff.json-proxy-config-cluster-o-json",
    "derived-authz-configdump.yaml-proxy-config-listener-o-json",
    "derived-proxyconfig-config-dump.json-proxy-config-listener-o-json",
    "derived-writer-compare-configdump.json-proxy-config-listener-o-json",
    "derived-writer-compare-configdump-diff.json-proxy-config-listener-o-json",
    "derived-describe-describe-http-config.json-proxy-config-route-o-json",
    "derived-describe-describe-tls-config.json-proxy-config-route-o-json",
    "derived-writer-envoy-configdump-routes-empty-gateway-configdump.json-proxy-config-route-o-json",
    "derived-writer-envoy-configdump-routes-k8s-gateway-http-route-path-prefix-configdump.json-proxy-config-route-o-json",
    "proxy-config-eds-emptyfilter-yaml",
    "proxy-config-eds-emptyfilter-json",
    "proxy-config-eds-portfilter-yaml",
    "proxy-config-eds-portfilter-json",
    "derived-authz-configdump.yaml-proxy-config-eds-o-json",
    "derived-writer-envoy-configdump-endpoint-configdump.json-proxy-config-eds-o-json",
)
"""JSON and YAML: reading them gives the same parts of the model as reading the dump."""

SECTIONS = (
    "proxy-config-bootstrap-json",
    "derived-writer-envoy-configdump-configdump.json-proxy-config-bootstrap-o-json",
    "proxy-config-ecds-yaml",
    "proxy-config-ecds-json",
    "derived-writer-envoy-configdump-ecds-configdump.json-proxy-config-ecds-o-json",
    "derived-proxyconfig-config-dump.json-proxy-config-secret-o-json",
    "derived-writer-envoy-configdump-secret-istio-config-dump.json-proxy-config-secret-o-json",
    "derived-writer-envoy-configdump-secret-spire-config-dump.json-proxy-config-secret-o-json",
)
"""JSON and YAML of whole sections: the same."""

ALL = (
    "proxy-config-all-short",
    "proxy-config-all-with-headers",
    "derived-proxyconfig-config-dump.json-proxy-config-all-o-short",
)
"""Five tables in one answer."""

VERSIONS = (
    "proxy-config-bootstrap-short",
    "derived-writer-envoy-configdump-configdump.json-proxy-config-bootstrap-o-short",
)

EXTENSIONS = (
    "proxy-config-ecds-short",
    "derived-writer-envoy-configdump-ecds-configdump.json-proxy-config-ecds-o-short",
)

MISSING_SECTIONS = {
    "derived-authz-configdump.yaml-proxy-config-cluster-o-short": CLUSTERS,
    "derived-authz-configdump.yaml-proxy-config-secret-o-short": SECRETS,
    "derived-authz-configdump.yaml-proxy-config-ecds-o-short": ECDS,
}
EMPTY_DUMPS = {
    "proxy-config-cli-clusters-httpbin-794b576b6c-qx6pf": CLUSTERS,
    "proxy-config-cli-route-httpbin-794b576b6c-qx6pf": ROUTES,
}
"""The pod's config dump is ``{}``."""

DOMAINS = (
    "route-domains-test-domains-with-port",
    "route-domains-test-domains-with-ipv4-addresses",
    "route-domains-test-with-more-domains",
)

LISTENER_FILTERS = (
    "listener-filter-addtl-addrs-dont-match",
    "listener-filter-ports-dont-match",
    "listener-filter-http-tcp-type-match",
    "listener-filter-tcp-type-match",
    "listener-filter-unknown-type",
)

AUTHORIZATION = (
    "authz-check-config-dump",
    "derived-authz-configdump.yaml-experimental-authz-check",
)


@functools.cache
def cases() -> dict[str, dict[str, Any]]:
    found = [
        case
        for name in ("cases.json", "derived-cases.json")
        for case in json.loads((GOLDEN / name).read_text())
    ]
    return {case["id"]: case for case in found}


@functools.cache
def read_dump(path: str) -> ConfigDump:
    data = (GOLDEN / path).read_bytes()
    if path.endswith(".yaml"):
        data = json.dumps(yaml.safe_load(data)).encode()
    return parse_config_dump(data)


def golden_text(case: dict[str, Any]) -> str:
    return Path(GOLDEN, case["golden"]).read_text()


def golden_data(case: dict[str, Any]) -> list[Any]:
    data = yaml.safe_load(golden_text(case))
    return data if isinstance(data, list) else [data]


def flags(case: dict[str, Any]) -> dict[str, str]:
    words = shlex.split(case["command"].replace("--verbose=false", "--verbose false"))
    return {
        word.lstrip("-"): value
        for word, value in itertools.pairwise(words)
        if word.startswith("--") and word != "--with-headers"
    }


def view_of(case: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], tuple[Any, ...]]:
    """The columns and rows our view has for an istioctl command."""
    dump = read_dump(case["inputs"][0])
    given = flags(case)
    is_verbose = given.pop("verbose", "true") == "true"
    wanted: dict[str, Any] = {
        key: int(value) if key == "port" else value for key, value in given.items()
    }
    match case["area"].removeprefix("proxy-config-"):
        case "cluster":
            return cluster.COLUMNS, cluster.rows(dump, cluster.ClusterFilter(**wanted))
        case "listener" if is_verbose:
            return listener.COLUMNS, listener.rows(dump, listener.ListenerFilter(**wanted))
        case "listener":
            only = listener.ListenerFilter(**wanted)
            return listener.SUMMARY_COLUMNS, listener.summary_rows(dump, only)
        case "route" if is_verbose:
            return route.COLUMNS, route.rows(dump, **wanted)
        case "route":
            return route.SUMMARY_COLUMNS, route.summary_rows(dump, **wanted)
        case "eds":
            return eds.COLUMNS, eds.rows(dump, eds.EdsFilter(**wanted))
        case "secret":
            rows = secret.rows(dump, NOW)
            return secret.columns(rows), rows
        case area:
            raise LookupError(area)


def cells(headers: list[str], lines: list[str]) -> list[list[str]]:
    """The cells of a table that tabwriter has aligned under its headers."""
    starts: list[int] = []
    for header in headers:
        starts.append(lines[0].index(header, starts[-1] + 1 if starts else 0))
    assert " ".join(lines[0].split()) == " ".join(headers)
    return [
        [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        for line in lines[1:]
    ]


def our_cells(columns: tuple[tuple[str, str], ...], rows: tuple[Any, ...]) -> list[list[str]]:
    return [[str(getattr(row, name)).strip() for _, name in columns] for row in rows]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_istioctls_columns_and_rows(name: str) -> None:
    case = cases()[name]
    columns, rows = view_of(case)
    headers = [header for header, _ in columns]
    assert our_cells(columns, rows) == cells(headers, golden_text(case).splitlines())


def bare(part: object) -> object:
    """A part of the model without what depends on the file it was read from."""
    if isinstance(part, tuple):
        return tuple(bare(item) for item in part)
    if not dataclasses.is_dataclass(part) or isinstance(part, type):
        return part
    left_out = {"pointer", "state", "static", "version", "last_updated"}
    return {
        field.name: bare(getattr(part, field.name))
        for field in dataclasses.fields(part)
        if field.name not in left_out and not field.name.startswith("_")
    }


def wrapped(section: str, part: str, entries: list[Any]) -> ConfigDump:
    """A dump in camelCase, as if it held what istioctl printed."""
    key = {
        "cluster": "dynamicActiveClusters",
        "listener": "dynamicListeners",
        "routeConfig": "dynamicRouteConfigs",
        "endpointConfig": "dynamicEndpointConfigs",
    }[part]
    holders = [{part: entry} for entry in entries]
    if part == "listener":
        holders = [{"activeState": holder} for holder in holders]
    document = {"configs": [{"@type": ENVOY + section, key: holders}]}
    return parse_config_dump(json.dumps(document).encode())


def printed_parts(case: dict[str, Any]) -> tuple[Any, Any]:
    """The parts istioctl printed, and ours of the same dump in istioctl's order."""
    dump, data = read_dump(case["inputs"][0]), golden_data(case)
    match case["area"].removeprefix("proxy-config-"):
        case "cluster":
            printed = wrapped("ClustersConfigDump", "cluster", data).clusters
            return printed, tuple(sorted(dump.clusters, key=lambda item: cluster_key(item.name)))
        case "listener":
            serving = [item for item in dump.listeners if item.state in ("active", "static")]
            return wrapped("ListenersConfigDump", "listener", data).listeners, tuple(serving)
        case "route":
            return wrapped("RoutesConfigDump", "routeConfig", data).routes, dump.routes
        case "eds":
            shown = {row.pointer for row in view_of(case)[1]}
            ours = (
                dataclasses.replace(
                    item, endpoints=tuple(e for e in item.endpoints if e.pointer in shown)
                )
                for item in sorted(dump.endpoints, key=lambda item: cluster_key(item.cluster_name))
            )
            printed_eds = wrapped("EndpointsConfigDump", "endpointConfig", data).endpoints
            return printed_eds, tuple(item for item in ours if item.endpoints)
        case area:
            raise LookupError(area)


@pytest.mark.parametrize("name", DUMPS)
def test_printed_parts_read_like_the_dump_they_came_from(name: str) -> None:
    printed, ours = printed_parts(cases()[name])
    assert bare(printed) == bare(ours)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_printed_section_reads_like_the_dump_it_came_from(name: str) -> None:
    case = cases()[name]
    area = case["area"].removeprefix("proxy-config-")
    section = {
        "bootstrap": "BootstrapConfigDump",
        "ecds": "EcdsConfigDump",
        "secret": "SecretsConfigDump",
    }[area]
    part = {"bootstrap": "bootstrap", "ecds": "ecds", "secret": "secrets"}[area]
    sections = [{"@type": ENVOY + section, **item} for item in golden_data(case)]
    document = {"configs": sections}
    printed = parse_config_dump(json.dumps(document).encode())
    ours = bare(getattr(read_dump(case["inputs"][0]), part))
    assert ours
    assert bare(getattr(printed, part)) == ours


def prefixed(kind: str, rows: list[list[str]], column: int = 0) -> list[list[str]]:
    return [
        [f"{kind}/{cell}" if index == column else cell for index, cell in enumerate(row)]
        for row in rows
    ]


@pytest.mark.parametrize("name", ALL)
def test_proxy_config_all_is_our_five_tables(name: str) -> None:
    case = cases()[name]
    dump = read_dump(case["inputs"][0])
    tables = [
        block.splitlines()
        for block in golden_text(case).split("\n\n")
        if block.startswith(("NAME", "RESOURCE NAME"))
    ]
    by_header = {tuple(table[0].split())[1:3]: table for table in tables}
    found = {key: cells(_headers(table[0]), table) for key, table in by_header.items()}
    clusters = [
        [f"cluster/{row.name}", f"cluster/{row.fqdn}" if row.fqdn == row.name else row.fqdn, *rest]
        for row, (_, *rest) in zip(
            cluster.rows(dump), our_cells(cluster.COLUMNS, cluster.rows(dump)), strict=True
        )
    ]
    listeners = [
        [f"listener/{row.listener if row.port == 0 else ''}", *rest]
        for row, rest in zip(
            listener.rows(dump), our_cells(listener.COLUMNS, listener.rows(dump)), strict=True
        )
    ]
    assert found["SERVICE", "FQDN"] == clusters
    assert found["ADDRESSES", "PORT"] == listeners
    assert found["VHOST", "NAME"] == prefixed("route", our_cells(route.COLUMNS, route.rows(dump)))
    secrets = our_cells(secret.COLUMNS, secret.rows(dump, NOW))
    assert found["NAME", "TYPE"] == prefixed("secret", secrets)
    assert found["STATUS", "LOCALITY"] == prefixed(
        "endpoint", our_cells(eds.COLUMNS, eds.rows(dump))
    )


def _headers(line: str) -> list[str]:
    known = [
        header
        for columns in (
            cluster.COLUMNS,
            listener.COLUMNS,
            route.COLUMNS,
            secret.COLUMNS,
            eds.COLUMNS,
        )
        for header, _ in columns
    ]
    found: list[str] = []
    rest = line.strip()
    while rest:
        header = max((item for item in [*known, "NAME"] if rest.startswith(item)), key=len)
        found.append(header)
        rest = rest.removeprefix(header).strip()
    return found


@pytest.mark.parametrize("name", VERSIONS)
def test_the_bootstrap_names_the_versions_istioctl_prints(name: str) -> None:
    case = cases()[name]
    printed = dict(line.split(":", 1) for line in golden_text(case).splitlines() if ":" in line)
    bootstrap = read_dump(case["inputs"][0]).bootstrap
    assert bootstrap
    assert bootstrap.istio_version == printed["Istio Version"].strip()
    assert bootstrap.proxy_sha == printed["Istio Proxy Version"].strip()
    assert bootstrap.envoy_version == printed["Envoy Version"].strip()


@pytest.mark.parametrize("name", EXTENSIONS)
def test_extensions_have_istioctls_names_and_types(name: str) -> None:
    case = cases()[name]
    printed = cells(["ECDS NAME", "TYPE"], golden_text(case).splitlines())
    ours = [[i.name, i.type_url.rpartition("/")[2]] for i in read_dump(case["inputs"][0]).ecds]
    assert sorted(ours) == sorted(printed)


@pytest.mark.parametrize("name", MISSING_SECTIONS)
def test_a_section_istioctl_misses_is_not_in_the_dump(name: str) -> None:
    case, section = cases()[name], MISSING_SECTIONS[name]
    assert case["expect"]["stderr"].endswith(section)
    assert not read_dump(case["inputs"][0]).has(section)


@pytest.mark.parametrize("name", EMPTY_DUMPS)
def test_an_empty_dump_has_no_section(name: str) -> None:
    case, section = cases()[name], EMPTY_DUMPS[name]
    assert case["expect"]["contains"] == "config dump has no configuration type"
    assert not parse_config_dump(b"{}").has(section)


@pytest.mark.parametrize("name", DOMAINS)
def test_domains_are_shortened_as_istioctl_does(name: str) -> None:
    case = cases()[name]
    assert describe_domains(case["input_data"]["domains"]) == case["expect"]


@pytest.mark.parametrize("name", LISTENER_FILTERS)
def test_listeners_are_filtered_as_istioctl_does(name: str) -> None:
    case = cases()[name]
    data = case["input_data"]
    dump = wrapped("ListenersConfigDump", "listener", [data["listener"]])
    shown = listener.summary_rows(dump, listener.ListenerFilter(**data["filter"]))
    assert bool(shown) is case["expect"]


@pytest.mark.parametrize("name", AUTHORIZATION)
def test_rbac_filters_name_the_policies_istioctl_finds(name: str) -> None:
    case = cases()[name]
    rules: dict[tuple[str, str], set[int]] = {}
    for item in read_dump(case["inputs"][0]).listeners:
        for rbac in (rbac for chain in item.chains for rbac in chain.rbac):
            if rbac.action and not rbac.policies:
                rules.setdefault((rbac.action, "_anonymous_match_nothing_"), set()).add(0)
            for policy in (*rbac.policies, *rbac.shadow_policies):
                assert policy.source
                namespace, policy_name, rule = policy.source
                action = "CUSTOM" if policy.is_custom else rbac.action
                rules.setdefault((action, f"{policy_name}.{namespace}"), set()).add(rule)
    ours = [[action, policy, str(len(found))] for (action, policy), found in sorted(rules.items())]
    assert ours == [line.split() for line in golden_text(case).splitlines()[1:]]


def test_every_golden_named_here_exists_and_they_are_many() -> None:
    named = [
        *(TABLES + DUMPS + SECTIONS + ALL + VERSIONS + EXTENSIONS + DOMAINS + LISTENER_FILTERS),
        *(AUTHORIZATION + tuple(MISSING_SECTIONS) + tuple(EMPTY_DUMPS)),
    ]
    assert len(named) == len(set(named)) >= 40
    assert set(named) <= set(cases())
