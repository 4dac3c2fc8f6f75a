"""Evidence that looks like a secret stays as it is; what is a secret beside it does not."""

from __future__ import annotations

import json

import pytest

from meshdoctor.recording.redact import Redactor

POD = "kubernetes/core/v1/pods.json"
CONFIG_MAPS = "kubernetes/core/v1/configmaps.json"
EVENTS = "kubernetes/core/v1/events.json"
DUMP = "proxies/shop/web-1/config_dump.json"
PROXY_LOG = "proxies/shop/web-1/istio-proxy.log"
ISTIOD_LOG = "istiod/istio-system/istiod-1/discovery.log"
APP_LOG = "logs/shop/web-1/app.log"
STATS = "proxies/shop/web-1/stats.txt"

OBJECTS: tuple[tuple[str, object], ...] = (
    ("a Secret named by a volume", {"volumes": [{"name": "token", "secret": {"secretName": "s"}}]}),
    (
        "a projected service-account token",
        {
            "sources": [
                {"serviceAccountToken": {"audience": "istio-ca", "expirationSeconds": 43200}}
            ]
        },
    ),
    (
        "a value that comes from a Secret",
        {
            "env": [
                {
                    "name": "DB_PASSWORD",
                    "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}},
                }
            ]
        },
    ),
    (
        "Istio's own variables",
        {
            "env": [
                {"name": "JWT_POLICY", "value": "third-party-jwt"},
                {"name": "PILOT_CERT_PROVIDER", "value": "istiod"},
                {"name": "CA_ADDR", "value": "istiod.istio-system.svc:15012"},
                {"name": "SECRET_TTL", "value": "24h0m0s"},
                {"name": "TOKEN_AUDIENCES", "value": "istio-ca"},
                {"name": "CREDENTIAL_FETCHER_TYPE", "value": "GoogleComputeEngine"},
                {"name": "ISTIO_META_MESH_ID", "value": "cluster.local"},
                {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/var/run/secrets/aws/token"},
                {"name": "PASSWORD", "value": "$(OTHER_PASSWORD)"},
                {"name": "PASSWORD", "value": ""},
            ]
        },
    ),
    ("a mount of tokens", {"mountPath": "/var/run/secrets/tokens", "name": "istio-token"}),
    ("a boolean", {"automountServiceAccountToken": False, "token": None}),
    ("image pull secrets", {"imagePullSecrets": [{"name": "registry-token"}]}),
    ("a selector's key", {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]}),
    ("a credential's name", {"tls": {"mode": "SIMPLE", "credentialName": "shop-cert"}}),
    ("paths of keys", {"tls": {"mode": "MUTUAL", "privateKey": "/etc/certs/key.pem"}}),
    ("a CA bundle", {"caBundle": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUI="}),
    (
        "headers that a policy names",
        {"allowHeaders": ["authorization", "cookie", "x-api-key"], "name": "ext"},
    ),
    ("a JWT rule without keys", {"fromHeaders": [{"name": "Authorization", "prefix": "Bearer "}]}),
    (
        "a policy's condition on claims",
        {"when": [{"key": "request.auth.claims[iss]", "values": ["https://issuer.example.com"]}]},
    ),
    (
        "public keys",
        {"jwks": '{"keys":[{"kty":"RSA","kid":"k1","n":"0vx7agoebGcQ","e":"AQAB","alg":"RS256"}]}'},
    ),
    ("an image's digest", {"image": f"istio/proxyv2@sha256:{'ab12' * 16}"}),
    ("ids", {"uid": "32fe4978-aa2c-4b1e-9a5d-0123456789ab", "resourceVersion": "21550"}),
    ("an annotation of certificates", {"spiffe": "spiffe://cluster.local/ns/shop/sa/web"}),
    ("a token path in a match", {"match": [{"uri": {"prefix": "/token"}}]}),
    ("a regular expression", {"headers": {"authorization": {"regex": "Bearer .*"}}}),
    ("a page of a list", {"metadata": {"continue": "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ"}}),
    ("a service's account", {"serviceAccountName": "token-reader", "kind": "ServiceAccount"}),
)
DUMPS: tuple[tuple[str, object], ...] = (
    (
        "a header matcher without a value",
        {"headers": [{"name": "authorization", "present_match": True}]},
    ),
    (
        "filters by name",
        {"name": "envoy.filters.http.rbac", "@type": "type.googleapis.com/x.v3.TokenBucket"},
    ),
    (
        "an SDS secret",
        {"tls_certificate_sds_secret_configs": [{"name": "default", "sds_config": {"ads": {}}}]},
    ),
    (
        "what Envoy hides itself",
        {
            "private_key": {"inline_bytes": "W3JlZGFjdGVkXQ=="},
            "password": {"inline_string": "[redacted]"},
        },
    ),
    (
        "a public chain",
        {"certificate_chain": {"inline_bytes": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"}},
    ),
    ("a rate limit", {"token_bucket": {"max_tokens": 1000, "tokens_per_fill": 100}}),
    (
        "a header that is made of another",
        {"header": {"key": "authorization", "value": "%REQ(X-AUTH)%"}},
    ),
    ("a nonce", {"version_info": "2026-11-21T07:20:33Z/12", "nonce": "eyJabc123-def"}),
    ("a session cookie's name", {"cookie": {"name": "session", "ttl": "0s", "path": "/"}}),
    (
        "a static section",
        {"dynamic_active_secrets": [{"name": "default", "last_updated": "2026-11-21T07:20:33Z"}]},
    ),
)
LOGS = (
    (
        ISTIOD_LOG,
        "2026-11-21T07:39:26Z\tinfo\tads\tPush debounce stable[18] 1 for config "
        "Secret/istio-system/istio-ca-secret: 100.519421ms since last change",
    ),
    (
        ISTIOD_LOG,
        "warn\tfailed to fetch key and certificate for kubernetes://shop-cert: secret "
        "istio-system/shop-cert not found",
    ),
    (ISTIOD_LOG, "error\tfailed to verify token: invalid bearer token, [expired token]"),
    (ISTIOD_LOG, "info\tsds\tresource:default new connection, secret: istio-system/shop-cert"),
    (ISTIOD_LOG, 'info\tcontroller\tsync secret="istio-system/shop-cert" kind=Secret'),
    (
        PROXY_LOG,
        '[2026-11-21T07:23:50.194Z] "GET /token/authorization?page=2&word=secret HTTP/1"'
        ' 401 - jwt_authn_access_denied{Jwt_is_missing} - "-" 0 14 0 - "-" "curl/8" '
        '"87db2228-7902-4981-b4f8-3617c9d0c4a8" "token-service.shop.svc.cluster.local:8080" '
        '"10.244.0.28:8080" outbound|8080||token-service.shop.svc.cluster.local',
    ),
    (PROXY_LOG, "rbac_access_denied_matched_policy[ns[shop]-policy[deny-authorization]-rule[0]]"),
    (PROXY_LOG, "info\tcache\tgenerated new certificate\tresourceName=default ttl=23h59m59"),
    (PROXY_LOG, "warning envoy jwt: Jwt verification fails: authorization: denied"),
    (APP_LOG, "login failed, password: incorrect"),
    (APP_LOG, "password: ********"),
    (APP_LOG, 'WWW-Authenticate: Bearer realm="shop", error=invalid'),
    (APP_LOG, "Authorization header is missing; send a Bearer token"),
    (APP_LOG, "connecting to postgres://db.shop:5432/shop?sslmode=disable"),
    (APP_LOG, "mail to ann@example.com via smtp://mail.shop:25"),
    (APP_LOG, "max_tokens=4096 token_count=17 tokens: 12"),
    (APP_LOG, "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgI\n-----END CERTIFICATE-----"),
    (APP_LOG, "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    (APP_LOG, "module eyJ is not a.token, nor is a.b.c; sk-learn and ask-me stay"),
    (APP_LOG, "Basic authentication is off, basic checks pass"),
    (STATS, "cluster.outbound|80||password.shop.svc.cluster.local.upstream_rq_total: 5"),
    (STATS, "http.inbound_0.0.0.0_8080;.jwt_authn.jwks_fetch_failed: 0"),
)
CONFIGS = (
    "trustDomain: cluster.local\nrootNamespace: istio-system\nprotocolDetectionTimeout: 0s",
    "tokenAudience: istio-ca\nsecretName: shop-cert\ncredentialName: shop-cert",
    "extensionProviders:\n- name: ext\n  envoyExtAuthzHttp:\n    includeRequestHeadersInCheck: "
    '["authorization", "cookie"]',
    "proxyMetadata:\n  SECRET_TTL: 24h\n  ISTIO_META_DNS_CAPTURE: 'true'",
    "sds:\n  token:\n    aud: istio-ca\nimagePullSecrets: []",
    "kind: ConfigMap\ndata:\n  any: value",
    "kty: a word in a sentence about keys",
)


def redact(path: str, data: bytes) -> bytes:
    return Redactor().redact(path, data)


@pytest.mark.parametrize(("words", "document"), OBJECTS, ids=[words for words, _ in OBJECTS])
@pytest.mark.parametrize("indent", [None, 1])
def test_an_object_that_holds_no_secret_stays(
    words: str, document: object, indent: int | None
) -> None:
    data = json.dumps({"kind": "PodList", "items": [{"spec": document}]}, indent=indent).encode()
    assert redact(POD, data) == data, words
    applied = json.dumps({"items": [{"a": json.dumps(document)}]}).encode()
    assert redact(POD, applied) == applied, words


@pytest.mark.parametrize(("words", "document"), DUMPS, ids=[words for words, _ in DUMPS])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_dump_that_holds_no_secret_stays(
    words: str, document: object, indent: int | None
) -> None:
    data = json.dumps({"configs": [document]}, indent=indent).encode()
    assert redact(DUMP, data) == data, words


@pytest.mark.parametrize(("path", "line"), LOGS)
def test_a_log_line_that_holds_no_secret_stays(path: str, line: str) -> None:
    assert redact(path, line.encode()).decode() == line


@pytest.mark.parametrize("text", CONFIGS)
def test_configuration_that_holds_no_secret_stays(text: str) -> None:
    data = json.dumps({"items": [{"data": {"mesh": text}}]}).encode()
    assert redact(CONFIG_MAPS, data) == data


def test_an_event_about_a_secret_stays() -> None:
    message = 'MountVolume.SetUp failed for volume "token" : secret "shop-cert" not found'
    data = json.dumps({"items": [{"message": message, "reason": "FailedMount"}]}).encode()
    assert redact(EVENTS, data) == data


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (APP_LOG, "sent Authorization: Bearer abc.def9 ok", "sent Authorization: Bearer <> ok"),
        (APP_LOG, "user=ann password=hunter2 port=1", "user=ann password=<> port=1"),
        (APP_LOG, "GET /a?x=1&token=abc&y=2 200", "GET /a?x=1&token=<>&y=2 200"),
        (APP_LOG, "amqp://ann:pw@mq:5672/v", "amqp://ann:<>@mq:5672/v"),
        (
            APP_LOG,
            '{"user":"ann","password":"a\\"b","port":1}',
            '{"user":"ann","password":"<>","port":1}',
        ),
        (APP_LOG, "--token abc1 --port 1", "--token <> --port 1"),
        (APP_LOG, "Server=db;Password=a/b+c;Port=1", "Server=db;Password=<>;Port=1"),
        (
            CONFIG_MAPS,
            r'{"a":"x: 1\npassword: p w # it\ny: 2"}',
            r'{"a":"x: 1\npassword: <> # it\ny: 2"}',
        ),
        (CONFIG_MAPS, r'{"a":"password: \"p\\\"w\"\ny: 2"}', r'{"a":"password: \"<>\"\ny: 2"}'),
        (
            CONFIG_MAPS,
            r'{"a":"{\"k\":{\"token\":\"t1\"},\"n\":1}"}',
            r'{"a":"{\"k\":{\"token\":\"<>\"},\"n\":1}"}',
        ),
        (
            CONFIG_MAPS,
            r'{"a":"tokens:\n- t1\n- t2\nend: 1"}',
            r'{"a":"tokens:\n- <>\n- <>\nend: 1"}',
        ),
        (
            POD,
            '{"args":["--password","p","--port","1"]}',
            '{"args":["--password","<>","--port","1"]}',
        ),
        (POD, '{"value":"v1","name":"password"}', '{"value":"<>","name":"password"}'),
    ],
)
def test_only_the_secret_of_a_line_goes(path: str, text: str, expected: str) -> None:
    redacted = redact(path, text.encode()).decode()
    parts = expected.split("<>")
    assert redacted.startswith(parts[0])
    assert redacted.endswith(parts[-1])
    position = 0
    for part in parts:
        found = redacted.find(part, position)
        assert found >= 0, redacted
        position = found + len(part)
    assert redacted.count("<token:") == len(parts) - 1
    assert len(redacted) == len(expected) + len("token:123456") * (len(parts) - 1)
