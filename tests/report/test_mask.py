"""``--mask``: no name of the mesh is left in any format, and what names nothing stays."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from meshdoctor.model.kinds import POD, SERVICE
from meshdoctor.model.provenance import Provenance
from meshdoctor.model.resource import Resource
from meshdoctor.report.document import Document
from meshdoctor.report.formats import Format, render
from meshdoctor.report.mask import Masker, Pseudonyms, masked
from meshdoctor.report.mask_addresses import Addresses
from meshdoctor.report.mask_kept import vocabulary
from meshdoctor.report.mask_names import of_resource
from meshdoctor.report.texts import with_texts
from tests.report.documents import FIVE, document, masked_document, session

EVERYDAY = {"client"}
"""Label values that are words of our own sentences, too: sought only where a name stands."""
PLACE = re.compile(r'"place": "client(?: proxy)?"')
"""Where along its way a request is: our own words in JSON, whoever is called so."""


def original_names(name: str) -> set[str]:
    """Names of the recording, gathered without the masker: files, objects, addresses."""
    mesh = session(name).snapshot()
    found = {"lab-node", "shop", "pay", "legacy", "shop.example.com", f"{name}.tar.gz"}
    found |= {proxy.pod for proxy in mesh.proxies.values()}
    for pod in mesh.proxy_pods:
        found |= {pod.name, str(pod.get("status", "podIP")), str(pod.get("status", "hostIP"))}
        found |= {pod.labels["app"]}
    for service in mesh.catalog.of(SERVICE):
        found |= {service.name, f"{service.name}.{service.namespace}"}
        found.add(str(service.spec.get("clusterIP")))
    return {name for name in found if not name.startswith(("istio", "kubernetes", "None"))}


def standing(name: str, text: str) -> list[str]:
    """Where a name stands alone in a text, with what is around it."""
    whole = rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])"
    if name in EVERYDAY:
        whole = rf"[/=\"]{name}(?![A-Za-z0-9-])|[\w-]*{name}\.\w"
    return [text[max(0, at.start() - 30) : at.end() + 20] for at in re.finditer(whole, text)]


@pytest.mark.parametrize("format_", list(Format), ids=str)
@pytest.mark.parametrize("name", FIVE)
def test_no_name_of_the_mesh_is_in_a_masked_report(name: str, format_: Format) -> None:
    made, pseudonyms = masked_document(name)
    text = PLACE.sub("", render(made, format_))
    sought = {*original_names(name), *pseudonyms.names, *pseudonyms.addresses} - {"healthy"}
    assert len(sought) > 40
    assert {each: found for each in sought if (found := standing(each, text))} == {}


@pytest.mark.parametrize("name", FIVE)
def test_the_same_names_would_be_seen_in_a_report_that_is_not_masked(name: str) -> None:
    text = render(document(name), Format.JSON)
    assert sum(bool(standing(each, text)) for each in original_names(name)) >= 3


@pytest.mark.parametrize("name", FIVE)
def test_istios_and_kubernetes_own_words_stay(name: str) -> None:
    made, pseudonyms = masked_document(name)
    text = render(made, Format.JSON)
    assert {"istio-system", "kube-system", "default"} <= set(made.diagnosis.namespaces)
    assert not {"istiod", "istio-system", "default", "istio-proxy", "v1"} & set(pseudonyms.names)
    plain = render(document(name), Format.JSON)
    for word in ("STRICT", "networking.istio.io", "cluster.local", "istio-proxy", "istiod"):
        assert (word in text) is (word in plain), word


@pytest.mark.parametrize("name", FIVE)
def test_verdict_ids_codes_and_numbers_are_those_of_the_plain_report(name: str) -> None:
    plain, made = document(name), masked_document(name)[0]
    assert made.verdict == plain.verdict
    assert made.exit_code == plain.exit_code
    ids = [(cause.id, cause.playbook, cause.docs) for cause in made.diagnosis.root_causes]
    assert ids == [(cause.id, cause.playbook, cause.docs) for cause in plain.diagnosis.root_causes]
    assert [f.code for f in made.diagnosis.findings] == [f.code for f in plain.diagnosis.findings]
    assert made.analyzers == plain.analyzers
    assert made.about.captured_at == plain.about.captured_at


def test_a_second_masking_is_the_same_and_an_older_map_is_kept_to() -> None:
    mesh, plain = session("mtls-conflict").snapshot(), document("mtls-conflict")
    first, pseudonyms = masked_document("mtls-conflict")
    assert masked(mesh, plain)[0] == first
    known = Pseudonyms({"shop": "ns-77"}, {"10.244.0.35": "192.0.2.77"})
    again, kept = masked(mesh, plain, known)
    assert kept.names["shop"] == "ns-77"
    assert "ns-77" in render(again, Format.MARKDOWN)
    assert set(kept.names) == set(pseudonyms.names)
    assert len(set(kept.names.values())) == len(kept.names)


def test_names_of_cluster_server_and_users_are_masked_wherever_they_stand() -> None:
    mesh, plain = session("mtls-conflict").snapshot(), document("mtls-conflict")
    told = Provenance(
        tool_version="1.2.3",
        context="arn:aws:eks:eu-west-1:4242:cluster/prod-blue",
        server="api.prod-blue.acme.example:6443",
    )
    reason = 'User "system:serviceaccount:opsteam:doctor" cannot list at api.prod-blue.acme.example'
    (cause,) = plain.diagnosis.root_causes
    diagnosis = replace(plain.diagnosis, root_causes=(replace(cause, summary=reason),))
    about = replace(
        plain.about, name="arn:aws:eks:eu-west-1:4242:cluster/prod-blue", provenance=told
    )
    made = masked(mesh, replace(plain, about=about, diagnosis=diagnosis))[0]
    for format_ in Format:
        text = render(made, format_)
        assert not re.search(r"prod-blue|acme|4242|eu-west|\bdoctor\b|opsteam", text), format_


def masker(**names: str) -> Masker:
    return Masker.of(Pseudonyms(names))


@pytest.mark.parametrize(
    ("where", "text", "shown"),
    [
        (
            "excerpt",
            "outbound|8080|v2|shop.pay.svc.cluster.local",
            "outbound|8080|v2|ns-1.ns-2.svc.cluster.local",
        ),
        (
            "excerpt",
            "spiffe://cluster.local/ns/shop/sa/pay",
            "spiffe://cluster.local/ns/ns-1/sa/ns-2",
        ),
        ("message", "Pods of shop's owner", "Pods of ns-1's owner"),
        ("message", "the bookshop pays", "the bookshop pays"),
        ("source", "proxies/shop/pay-77/stats.txt", "proxies/ns-1/ns-2-77/stats.txt"),
        ("command", "kubectl get pods -n SHOP", "kubectl get pods -n ns-1"),
        ("message", "the client sends", "the client sends"),
        ("message", "Service pay/client answers", "Service ns-2/label-3 object-4"),
        ("message", "client.pay refuses", "label-3.ns-2 refuses"),
        ("excerpt", '{"app": "client"}', '{"app": "label-3"}'),
        ("command", "kubectl get services client -o yaml", "kubectl get services label-3 -o yaml"),
        ("id", "client-shop", "client-shop"),
        ("message", "it answers to ANSWERS", "it object-4 to ANSWERS"),
        ("message", "answers_to shop-answers", "answers_to ns-1-answers"),
    ],
)
def test_names_are_found_in_every_shape_and_look_alikes_are_left(
    where: str, text: str, shown: str
) -> None:
    assert {"client", "answers"} <= vocabulary()
    names = masker(shop="ns-1", pay="ns-2", client="label-3", answers="object-4")
    assert names.change(where, text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10.0.0.1:8080 and 10.0.0.2, 10.0.0.1", "192.0.2.1:8080 and 192.0.2.2, 192.0.2.1"),
        ("10.0.0.0/8", "192.0.2.1/8"),
        ("listener 10.0.0.9_15021:", "listener 192.0.2.1_15021:"),
        ("ip-10-0-0-1.eu", "ip-192-0-2-1.eu"),
        ("[fd00::1]:80", "[2001:db8::1]:80"),
        ("listener fd00::1_8080", "listener 2001:db8::1_8080"),
        ("dial fd00::1: refused by fd00::2.", "dial 2001:db8::1: refused by 2001:db8::2."),
        ("127.0.0.1 0.0.0.0 ::1 127.0.0.6", "127.0.0.1 0.0.0.0 ::1 127.0.0.6"),
        ("at 07:27:27.917, Istio 1.32.0", "at 07:27:27.917, Istio 1.32.0"),
        ("999.1.1.1", "999.1.1.1"),
    ],
)
def test_addresses_become_those_of_documentation(text: str, shown: str) -> None:
    assert Addresses().mask(text) == shown


def test_many_addresses_have_a_pseudonym_each() -> None:
    addresses = Addresses()
    addresses.mask(" ".join(f"10.1.{n // 250}.{n % 250}" for n in range(1500)))
    assert len(set(addresses.taken.values())) == 1500


PLANTS = [
    ("api.partner.example", "api.zqpartner.bank"),
    ("api-partner-example", "api-zqpartner-bank"),
]
"""A host that nothing declares, under a top-level domain that no list holds."""


def with_planted(name: str, *plants: tuple[str, str]) -> Document:
    """The report of a recording in which somebody else's names stand."""

    def plant(_: str, text: str) -> str:
        for old, new in plants:
            text = text.replace(old, new)
        return text

    return with_texts(document(name), plant)


@pytest.mark.parametrize("format_", list(Format), ids=str)
def test_a_host_that_no_object_bears_is_masked_and_so_is_an_object_called_after_it(
    format_: Format,
) -> None:
    made = with_planted("registry-only-egress", *PLANTS)
    assert "zqpartner" in render(made, format_)
    mesh = session("registry-only-egress").snapshot()
    assert "zqpartner" not in render(masked(mesh, made)[0], format_)


@pytest.mark.parametrize(
    "said",
    [
        "principals must be zqtrust/ns/zqspace/sa/zqaccount",
        "spiffe://zqtrust.bank/ns/zqspace/sa/zqaccount is not trusted",
        'User "jane@zqcorp.bank" cannot list resource "pods"',
        'forbidden: User \\"zqjane\\" cannot list',
        'dst.cluster="zqcluster" src.cluster="zqother"',
        '"cluster_id": "zqcluster"',
        "fetches https://login.zqcorp.bank/keys",
        "dial tcp: lookup db.zqcorp.bank:5432: no such host",
        "zqratings.shop:8080 answers",
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUMvVENDzqWVXZ0F3SUJBZ0lS",
        "-----BEGIN CERTIFICATE-----\nMIICzq\n-----END CERTIFICATE-----",
        "MIIC" + "A" * 80 + "zqzq",
    ],
)
def test_names_that_stand_in_a_text_alone_are_masked(said: str) -> None:
    made = document("mtls-conflict")
    (cause,) = made.diagnosis.root_causes
    evidence = (replace(cause.evidence[0], excerpt=said), *cause.evidence[1:])
    told = replace(cause, summary=said, evidence=evidence)
    planted = replace(made, diagnosis=replace(made.diagnosis, root_causes=(told,)))
    hidden = masked(session("mtls-conflict").snapshot(), planted)[0]
    for format_ in Format:
        assert "zq" not in render(hidden, format_)
    assert hidden.diagnosis.root_causes[0].summary != said


@pytest.mark.parametrize(
    "said",
    [
        "istio-proxy.log:115 and source.cc:42 at 07:27:27.917",
        "istiod.istio-system:15012 is asked",
        "cluster_id: Kubernetes",
        "https://istio.io/latest/docs",
    ],
)
def test_files_lines_and_istios_own_hosts_are_no_names(said: str) -> None:
    made = document("mtls-conflict")
    (cause,) = made.diagnosis.root_causes
    told = replace(cause, summary=said)
    planted = replace(made, diagnosis=replace(made.diagnosis, root_causes=(told,)))
    hidden = masked(session("mtls-conflict").snapshot(), planted)[0]
    assert hidden.diagnosis.root_causes[0].summary == said


def test_what_runs_where_and_of_whom_is_masked_and_versions_are_not() -> None:
    labels = {
        "topology.kubernetes.io/zone": "zqzone-1",
        "istio.io/rev": "zqrevision",
        "pod-template-hash": "5d4f8zqxx",
    }
    raw: dict[str, Any] = {
        "metadata": {"name": "zqpod", "namespace": "istio-system", "labels": labels},
        "spec": {
            "containers": [
                {
                    "name": "istio-proxy",
                    "image": "registry.zqcorp.bank:5000/zqteam/proxyv2:1.32.0",
                    "env": [
                        {"name": "ISTIO_META_CLUSTER_ID", "value": "zqcluster"},
                        {"name": "OTHER", "value": "plain"},
                    ],
                }
            ]
        },
    }
    pod = Resource(POD, "istio-system", "zqpod", raw, "a", "/")
    found = {name for _, name in of_resource(pod)}
    of_others = {"zqpod", "registry.zqcorp.bank", "zqteam", "zqcluster"}
    assert {name for name in found if "zq" in name} == {*labels.values(), *of_others}
    assert "plain" not in found


@pytest.mark.parametrize("version", ["1-32-0", "v1.31", "1-33-alpha"])
def test_a_revision_that_is_called_as_its_version_is_no_name(version: str) -> None:
    raw = {"metadata": {"name": "istiod", "labels": {"istio.io/rev": version}}}
    pod = Resource(POD, "istio-system", "istiod", raw, "a", "/")
    assert ("revision", version) not in list(of_resource(pod))


def test_a_masked_report_says_that_it_is() -> None:
    name = "mtls-conflict"
    made = masked_document(name)[0]
    assert "pseudonyms" in render(made, Format.HTML)
    assert '"masked": true' in render(made, Format.JSON)
    assert '"masked": false' in render(document(name), Format.JSON)
