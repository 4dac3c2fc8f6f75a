"""Secrets of many kinds, and how to plant them into a recording's folder.

Each secret holds its own marker: wherever that marker, or what base64 makes of it, turns up in
something that was redacted, the secret was not hidden.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

OBJECTS, CONFIG_MAP, ENV, ANNOTATION, DUMP = "objects", "config-map", "env", "annotation", "dump"
STATS, ACCESS_LOG, ISTIOD_LOG, APP_LOG = "stats", "access-log", "istiod-log", "app-log"
TEXTS = (CONFIG_MAP, ENV, ANNOTATION, DUMP, ISTIOD_LOG, APP_LOG)
"""Where any text may stand."""
EVERYWHERE = (*TEXTS, ACCESS_LOG, STATS)


@dataclass(frozen=True)
class PlantedSecret:
    """One secret as it turns up somewhere."""

    kind: str
    marker: str
    """Part of the secret; nowhere else."""
    text: str
    """What is planted: the secret with what stands around it."""
    places: tuple[str, ...]
    """The sorts of files in which it turns up."""


@cache
def private_key_pem() -> str:
    """A real private key in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _url_base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _pem_marker() -> str:
    return private_key_pem().splitlines()[1][8:40]


def _alnum(number: int, length: int) -> str:
    """The marker of a shape: letters and digits, unlike any other's."""
    return (f"Mk{number:02d}q7Zx" * 8)[:length]


def _shapes() -> Iterator[PlantedSecret]:
    shapes: tuple[tuple[str, str, int], ...] = (
        ("aws-access-key-id", "AKIA{}", 16),
        ("github-token", "ghp_{}", 36),
        ("github-fine-grained-token", "github_pat_{}", 40),
        ("gitlab-token", "glpat-{}", 20),
        ("slack-token", "xoxb-{}", 40),
        ("slack-webhook", "https://hooks.slack.com/services/T01/B01/{}", 24),
        ("google-api-key", "AIza{}", 35),
        ("stripe-key", "sk_live_{}", 24),
        ("npm-token", "npm_{}", 36),
        ("openai-like-key", "sk-proj-{}", 40),
        ("huggingface-token", "hf_{}", 34),
        ("vault-token", "hvs.{}", 24),
        ("docker-hub-token", "dckr_pat_{}", 27),
        ("age-key", "AGE-SECRET-KEY-1{}", 58),
    )
    for number, (kind, text, length) in enumerate(shapes, start=10):
        marker = _alnum(number, length)
        if kind in ("aws-access-key-id", "age-key"):
            marker = marker.upper()
        yield PlantedSecret(kind, marker, f"used {text.format(marker)} today", EVERYWHERE)
    hexadecimal = "5eed5eed1234abcd5eed5eed1234abcd"
    yield PlantedSecret("twilio-key", hexadecimal, f"SK{hexadecimal}", EVERYWHERE)
    sendgrid = _alnum(30, 43)
    yield PlantedSecret("sendgrid-key", sendgrid, f"SG.{_alnum(31, 22)}.{sendgrid}", EVERYWHERE)


def _tokens() -> Iterator[PlantedSecret]:
    header, claims = _url_base64('{"alg":"RS256","typ":"JWT"}'), _url_base64('{"sub":"mk40"}')
    signature = _alnum(40, 43)
    jwt = f"{header}.{claims}.{signature}"
    yield PlantedSecret("jwt", signature, f"saw {jwt} here", EVERYWHERE)
    yield PlantedSecret("forwarded-jwt", claims, f"x-forwarded-access-token: {jwt}", TEXTS)
    bearer = "mk41-opaque.bearer-value"
    yield PlantedSecret("bearer", bearer, f"Authorization: Bearer {bearer}", TEXTS)
    yield PlantedSecret("bearer-alone", "mk42opaque99", "sent Bearer mk42opaque99", EVERYWHERE)
    basic = _base64("mk43-user:mk43-password")
    yield PlantedSecret("basic", basic, f"Authorization: Basic {basic}", TEXTS)
    yield PlantedSecret("basic-alone", basic[:24], f"sent Basic {basic}", TEXTS)
    digest = "mk44aadd1122"
    text = f"Authorization: Digest realm=shop,response={digest}"
    yield PlantedSecret("digest", digest, text, (ISTIOD_LOG, APP_LOG))
    text = f'Authorization: Digest username="ann", realm="shop", response="{digest}"'
    yield PlantedSecret("digest-quoted", digest, text, (CONFIG_MAP, ISTIOD_LOG, APP_LOG))
    yield PlantedSecret("proxy-authorization", "mk45zz11", "Proxy-Authorization: mk45zz11", TEXTS)
    yield PlantedSecret(
        "bootstrap-token",
        "mk4600.0123456789abcdef",
        "kubeadm join 10.0.0.1:6443 --token mk4600.0123456789abcdef",
        TEXTS,
    )
    yield PlantedSecret("htpasswd", "mk47" + "a" * 49, f"ann:$2y$05$mk47{'a' * 49}", TEXTS)
    yield PlantedSecret("htpasswd-sha", "mk48" + "b" * 22, f"{{SHA}}mk48{'b' * 22}==", TEXTS)


def _headers() -> Iterator[PlantedSecret]:
    cookie = "session=mk50-cookie; theme=dark"
    yield PlantedSecret("cookie", "mk50-cookie", f"Cookie: {cookie}", TEXTS)
    yield PlantedSecret("set-cookie", "mk51-c9", "set-cookie: sid=mk51-c9; Path=/", TEXTS)
    yield PlantedSecret("x-api-key", "mk52-key-77", "x-api-key: mk52-key-77", TEXTS)
    yield PlantedSecret(
        "amz-security-token", "mk53+Fwo99//", "X-Amz-Security-Token: mk53+Fwo99//abcdef", TEXTS
    )
    yield PlantedSecret("goog-api-key", "mk54-goog-1x", "x-goog-api-key: mk54-goog-1x", TEXTS)
    yield PlantedSecret(
        "envoy-debug-header",
        "mk55opaque1",
        "'authorization', 'Bearer mk55opaque1'",
        (ISTIOD_LOG, APP_LOG),
    )
    yield PlantedSecret(
        "go-header-map",
        "mk56opaque1",
        "map[Accept:[*/*] Authorization:[Bearer mk56opaque1]]",
        (APP_LOG,),
    )
    yield PlantedSecret(
        "json-header", "mk57-hunter", '{"Authorization":"Token mk57-hunter"}', TEXTS
    )
    yield PlantedSecret(
        "header-object",
        "mk58-raw1",
        '{"header":{"key":"authorization","value":"mk58-raw1"}}',
        TEXTS,
    )
    yield PlantedSecret(
        "header-exact-match",
        "mk59-exact",
        '{"name":"authorization","string_match":{"exact":"Bearer mk59-exact"}}',
        TEXTS,
    )
    yield PlantedSecret(
        "authorization-policy-value",
        "mk60-when",
        '{"key":"request.headers[x-api-key]","values":["mk60-when"]}',
        TEXTS,
    )


def _urls() -> Iterator[PlantedSecret]:
    for number, name in enumerate(
        (
            "token",
            "access_token",
            "id_token",
            "api_key",
            "apikey",
            "key",
            "sig",
            "signature",
            "password",
            "secret",
            "code",
            "client_secret",
            "X-Amz-Signature",
            "X-Goog-Signature",
        )
    ):
        marker = f"mk7{number:02d}query"
        yield PlantedSecret(f"query-{name}", marker, f"/cb?a=1&{name}={marker}&b=2", EVERYWHERE)
    yield PlantedSecret(
        "url-password", "mk80-pa55", "postgres://shop:mk80-pa55@db:5432/s", EVERYWHERE
    )
    yield PlantedSecret("redis-url", "mk81-pa55", "redis://:mk81-pa55@cache:6379/0", EVERYWHERE)
    yield PlantedSecret("go-mysql-dsn", "mk82-pa55", "shop:mk82-pa55@tcp(db:3306)/shop", TEXTS)
    yield PlantedSecret(
        "url-token",
        "mk83tokenmk83tokenmk83",
        "https://mk83tokenmk83tokenmk83@git.example.com/r.git",
        EVERYWHERE,
    )
    yield PlantedSecret(
        "encoded-query", "mk84query", "/login?next=%2Fa%3Ftoken%3Dmk84query%26b%3D1", EVERYWHERE
    )
    yield PlantedSecret(
        "azure-account-key",
        "mk85" + "A" * 40,
        f"AccountName=s;AccountKey=mk85{'A' * 40}==;Suffix=c",
        TEXTS,
    )
    yield PlantedSecret("curl-user", "mk86-pa55", "curl -u ann:mk86-pa55 http://web/", TEXTS)


def _values() -> Iterator[PlantedSecret]:
    for number, name in enumerate(
        (
            "DB_PASSWORD",
            "MYSQL_ROOT_PASSWD",
            "CLIENT_SECRET",
            "API_TOKEN",
            "API_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "JWT_PRIVATE_KEY",
            "SMTP_CREDENTIAL",
            "SENTRY_DSN",
        )
    ):
        marker = f"mk9{number:02d}Value1"
        yield PlantedSecret(
            f"variable-{name}", marker, f"{name}={marker}", (ENV, CONFIG_MAP, APP_LOG)
        )
        yield PlantedSecret(f"json-{name}", f"{marker}j", f'{{"{name}":"{marker}j"}}', TEXTS)
    yield PlantedSecret(
        "yaml-password",
        "mk901-pa55",
        "db:\n  password: mk901-pa55\n  port: 1",
        (CONFIG_MAP, ANNOTATION),
    )
    yield PlantedSecret(
        "yaml-block",
        "mk902 phrase",
        "password: |\n  mk902 phrase\nport: 1",
        (CONFIG_MAP, ANNOTATION),
    )
    yield PlantedSecret(
        "properties",
        "mk903=pa 55",
        "a=1\nspring.datasource.password=mk903=pa 55\nb=2",
        (CONFIG_MAP,),
    )
    yield PlantedSecret("argument", "mk904-pa55", "serve --password=mk904-pa55 --port 1", TEXTS)
    yield PlantedSecret(
        "argument-apart", "mk905-pa55", "serve --api-token mk905-pa55 --port 1", TEXTS
    )
    yield PlantedSecret(
        "xml",
        "mk906-pa55",
        "<server><password>mk906-pa55</password></server>",
        (CONFIG_MAP, APP_LOG),
    )
    yield PlantedSecret(
        "netrc", "mk907pa55", "machine git login ann password mk907pa55", (CONFIG_MAP,)
    )
    docker = _base64("ann:mk908-pa55")
    yield PlantedSecret("docker-auth", docker, f'{{"auths":{{"r":{{"auth":"{docker}"}}}}}}', TEXTS)
    yield PlantedSecret(
        "kubeconfig-token",
        "mk909tok",
        "users:\n- name: a\n  user:\n    token: mk909tok1",
        (CONFIG_MAP,),
    )
    yield PlantedSecret(
        "log-password", "mk910-pa55", "login failed, password: mk910-pa55", (APP_LOG,)
    )
    yield PlantedSecret(
        "secret-manifest",
        "bWs5MTE",
        "apiVersion: v1\nkind: Secret\ndata:\n  any: bWs5MTE=",
        (CONFIG_MAP,),
    )
    yield PlantedSecret("json-number", "918273645", '{"password":918273645}', TEXTS)
    yield PlantedSecret(
        "oauth2-hmac", "mk912-hmac", '{"hmac_secret":{"inline_string":"mk912-hmac"}}', TEXTS
    )
    yield PlantedSecret(
        "envoy-password", "mk913pa55", '{"password":{"inline_bytes":"mk913pa55QQ=="}}', TEXTS
    )
    yield PlantedSecret(
        "session-ticket-keys",
        "mk914ticket",
        '{"session_ticket_keys":{"keys":[{"inline_bytes":"mk914ticket+Q=="}]}}',
        TEXTS,
    )
    yield PlantedSecret(
        "generic-secret",
        "mk915generic",
        '{"generic_secret":{"secret":{"inline_string":"mk915generic"}}}',
        TEXTS,
    )


def _keys() -> Iterator[PlantedSecret]:
    pem, marker = private_key_pem(), _pem_marker()
    yield PlantedSecret("private-key", marker, pem, TEXTS)
    yield PlantedSecret("private-key-escaped", marker, json.dumps({"k": pem}), TEXTS)
    yield PlantedSecret("private-key-base64", _base64(pem)[60:120], _base64(pem), TEXTS)
    yield PlantedSecret(
        "client-key-data", _base64(pem)[60:120], f"client-key-data: {_base64(pem)}", (CONFIG_MAP,)
    )
    yield PlantedSecret(
        "envoy-private-key", marker, json.dumps({"private_key": {"inline_string": pem}}), TEXTS
    )
    yield PlantedSecret(
        "gcp-service-account",
        marker,
        json.dumps({"type": "service_account", "private_key": pem}),
        TEXTS,
    )
    jwk = {
        "kty": "RSA",
        "kid": "one",
        "n": "0vx7agoebG",
        "e": "AQAB",
        "d": "mk950private",
        "p": "mk951private",
        "qi": "mk952private",
    }
    for member in ("d", "p", "qi"):
        marker = str(jwk[member])
        yield PlantedSecret(f"jwk-{member}", marker, json.dumps({"keys": [jwk]}), TEXTS)
    yield PlantedSecret("jwk-oct", "mk953private", '{"kty":"oct","k":"mk953private"}', TEXTS)


@cache
def planted_secrets() -> tuple[PlantedSecret, ...]:
    """All kinds; the markers differ, except where one key is written in several ways."""
    return (*_shapes(), *_tokens(), *_headers(), *_urls(), *_values(), *_keys())


def _edit(path: Path, change: Callable[[Any], None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = json.loads(path.read_bytes()) if path.exists() else {"kind": "List", "items": []}
    change(document)
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n")


def _secrets_of(place: str) -> list[PlantedSecret]:
    return [secret for secret in planted_secrets() if place in secret.places]


def _is_single_line(secret: PlantedSecret) -> bool:
    return "\n" not in secret.text


def plant_in_objects(root: Path) -> None:
    """Into Secrets, ConfigMaps, environment variables, arguments and annotations."""
    core = root / "kubernetes" / "core" / "v1"
    metadata = {"namespace": "shop", "uid": "u", "resourceVersion": "1"}
    applied = {"apiVersion": "v1", "kind": "Secret", "data": {"any": _base64("mk999applied")}}
    secret = {
        "metadata": {
            **metadata,
            "name": "planted",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied) + "\n"
            },
        },
        "data": {"tls.key": _base64(private_key_pem()), "any": _base64("mk998data")},
        "stringData": {"word": "mk997string"},
    }
    _edit(core / "secrets.json", lambda document: document["items"].append(secret))
    data = {f"file-{number}.txt": item.text for number, item in enumerate(_secrets_of(CONFIG_MAP))}
    data["DB_PASSWORD"] = "mk996key"
    config_map = {
        "metadata": {**metadata, "name": "planted"},
        "data": data,
        "binaryData": {"binary": _base64("password: mk995binary\n")},
    }
    _edit(core / "configmaps.json", lambda document: document["items"].append(config_map))
    _edit(core / "pods.json", lambda document: _plant_in_pod(document["items"][0]))
    policies = root / "kubernetes/security.istio.io/v1/requestauthentications.json"
    jwks = json.dumps({"keys": [{"kty": "oct", "kid": "a", "k": "mk994jwks"}]})
    rule = {"metadata": {**metadata, "name": "planted"}, "spec": {"jwtRules": [{"jwks": jwks}]}}
    _edit(policies, lambda document: document["items"].append(rule))


def _plant_in_pod(pod: Any) -> None:
    container = pod["spec"]["containers"][0]
    env = container.setdefault("env", [])
    for number, item in enumerate(_secrets_of(ENV)):
        env.append({"name": f"TEXT_{number}", "value": item.text})
    env.append({"name": "DB_PASSWORD", "value": "mk993env"})
    env.append({"name": "FROM_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}})
    container["args"] = ["--db-password", "mk992args", "--api-token=mk991args", "--port", "80"]
    annotations = pod["metadata"].setdefault("annotations", {})
    for number, item in enumerate(_secrets_of(ANNOTATION)):
        annotations[f"example.com/text-{number}"] = item.text
    annotations["proxy.istio.io/config"] = "proxyMetadata:\n  MY_TOKEN: mk990meta\n  DNS: on\n"


OBJECT_MARKERS = tuple(f"mk{number}" for number in range(990, 1000))
"""What ``plant_in_objects`` plants besides the kinds."""


def plant_in_dump(path: Path) -> None:
    """Into one proxy's config dump, pretty as Envoy prints it."""

    def change(document: Any) -> None:
        section = document["configs"][0].setdefault("planted", {})
        for number, item in enumerate(_secrets_of(DUMP)):
            section[f"text_{number}"] = {"inline_string": item.text}
            try:
                section[f"object_{number}"] = json.loads(item.text)
            except ValueError:
                continue

    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document, indent=1))


def plant_in_text(path: Path, place: str) -> None:
    """Onto the end of a log, or of statistics."""
    time = "2026-11-21T07:23:50.194Z"
    lines = []
    for item in _secrets_of(place):
        if place == ACCESS_LOG:
            target = re.sub(r"\s+", "+", item.text)
            lines.append(
                f'[{time}] "GET /p/{target} HTTP/1.1" 200 - via_upstream - "-" 0 4 2 1 "-"'
            )
            agent = item.text.replace('"', "'")
            lines.append(f'[{time}] "GET /q HTTP/1.1" 200 - via_upstream - "-" 0 4 2 1 "{agent}"')
        elif place == STATS:
            lines.append(f"http.{item.text}.downstream_rq_total: 1")
        else:
            lines.append(f"{time}\tinfo\t{item.text}")
            lines.append(json.dumps({"level": "info", "msg": item.text}))
    with path.open("a") as file:
        file.write("\n".join(lines) + "\n")


def plant_everywhere(root: Path) -> None:
    """Into one file of each sort of an unpacked recording."""
    plant_in_objects(root)
    for path in sorted(root.glob("proxies/*/*/config_dump.json"))[:1]:
        plant_in_dump(path)
    for files, place in (
        ("proxies/*/*/stats.txt", STATS),
        ("proxies/*/*/istio-proxy.log", ACCESS_LOG),
        ("istiod/*/*/discovery.log", ISTIOD_LOG),
    ):
        for path in sorted(root.glob(files))[:1]:
            plant_in_text(path, place)
    logs = root / "logs" / "shop" / "planted"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "app.log").touch()
    plant_in_text(logs / "app.log", APP_LOG)


def markers() -> tuple[tuple[str, str], ...]:
    """Every marker that must not survive, with the kind of its secret."""
    planted = [(secret.kind, secret.marker) for secret in planted_secrets()]
    return (*planted, *(("object", marker) for marker in OBJECT_MARKERS))


_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}")


def decoded_runs(data: bytes) -> bytes:
    """What every run of base64 in some bytes decodes to, one after another."""
    parts = []
    for run in _BASE64_RUN.findall(data):
        core = run.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        parts.append(base64.b64decode(core[: len(core) // 4 * 4]))
    return b"\n".join(parts)


def surviving(data: bytes) -> list[str]:
    """The kinds whose markers are in some bytes, or in what base64 in them decodes to."""
    everything = data + b"\n" + decoded_runs(data)
    return sorted({kind for kind, marker in markers() if marker.encode() in everything})
