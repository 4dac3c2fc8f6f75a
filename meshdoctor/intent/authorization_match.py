"""Whether one rule of an AuthorizationPolicy matches a request, and which field says no.

Three answers, because a request that was only logged does not tell everything: a header that a
rule asks for is unknown, and then so is the rule, unless another field already says no.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from meshdoctor.intent.authorization_request import Request, Seen, Value
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Path = tuple[str | int, ...]

DEFAULT_TRUST_DOMAIN = "cluster.local"
"""In a policy it stands for the mesh's own trust domain, whatever that is called."""


class Match(Enum):
    """Three-valued: unknown when nothing read tells."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    def inverted(self) -> Match:
        """The answer to the opposite question."""
        return {Match.YES: Match.NO, Match.NO: Match.YES}.get(self, self)


def any_of(answers: Iterable[Match]) -> Match:
    """YES when one is; NO when all are."""
    found = set(answers)
    return next((item for item in (Match.YES, Match.UNKNOWN) if item in found), Match.NO)


def all_of(answers: Iterable[Match]) -> Match:
    """NO when one is; YES when all are, so for none."""
    found = set(answers)
    return next((item for item in (Match.NO, Match.UNKNOWN) if item in found), Match.YES)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a rule, judged for a request."""

    path: Path
    """Within the policy: ``spec/rules/0/from/0/source/principals``."""
    wanted: tuple[str, ...]
    seen: Value
    match: Match

    @property
    def name(self) -> str:
        """The field's name; of a condition, its key's."""
        return str(self.path[-1])


def matches_text(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Istio's string match: ``*`` for presence, ``prefix*``, ``*suffix``, else the very text."""
    if ignore_case:
        pattern, value = pattern.lower(), value.lower()
    if pattern == "*":
        return value != ""
    if pattern.startswith("*"):
        return value.endswith(pattern[1:])
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1])
    return pattern == value


def _judge(value: Value, test: Callable[[str], bool]) -> Match:
    if value is Seen.UNKNOWN:
        return Match.UNKNOWN
    if value is Seen.ABSENT:
        return Match.NO
    return Match.YES if test(str(value)) else Match.NO


def _matches_path(pattern: str, value: str) -> bool:
    if "{" not in pattern:
        return matches_text(pattern, value)
    # Path templates of Istio 1.22: {*} is one segment, {**} any number, none included.
    parts = re.split(r"(\{\*\*?\})", pattern)
    regex = "".join({"{*}": "[^/]+", "{**}": ".*"}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(regex, value) is not None


def _in_block(block: str, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(block, strict=False)
    except ValueError:
        return False


def _matches_host(pattern: str, value: str) -> bool:
    # Against the whole :authority header, its port included (pilot/pkg/security/authz/matcher).
    return matches_text(pattern, value, ignore_case=True)


def matches_principal(pattern: str, value: str, trust_domains: tuple[str, ...]) -> bool:
    """Whether a principal is meant by a pattern, whose trust domain may be an alias.

    ``cluster.local`` and every alias stand for each of the mesh's trust domains
    (pilot/pkg/security/trustdomain/bundle.go).
    """
    if matches_text(pattern, value):
        return True
    domain, found, rest = pattern.partition("/")
    if not found or domain not in (DEFAULT_TRUST_DOMAIN, *trust_domains):
        return False
    return any(matches_text(f"{own}/{rest}", value) for own in trust_domains)


def _account(pattern: str, policy_namespace: str) -> str:
    return pattern if "/" in pattern else f"{policy_namespace}/{pattern}"


class RuleReader:
    """Judges the fields of one policy's rules for one request."""

    def __init__(self, request: Request, namespace: str, trust_domains: tuple[str, ...]) -> None:
        """Keep what every field is judged by.

        Args:
            request: what the server sees.
            namespace: the policy's, which completes bare service accounts.
            trust_domains: the mesh's own and its aliases.
        """
        self.request = request
        self.namespace = namespace
        self.domains = trust_domains

    def _test(self, name: str) -> tuple[Value, Callable[[str, str], bool], bool]:
        """What a field looks at, how it compares, and whether only HTTP has it."""
        r = self.request
        token = Seen.ABSENT if r.has_token is False else r.request_principal
        table: dict[str, tuple[Value, Callable[[str, str], bool], bool]] = {
            "principals": (
                r.principal,
                lambda p, v: matches_principal(p, v, self.domains),
                False,
            ),
            "namespaces": (r.namespace, matches_text, False),
            "serviceAccounts": (
                r.service_account,
                lambda p, v: matches_text(_account(p, self.namespace), v),
                False,
            ),
            "ipBlocks": (r.source_ip, _in_block, False),
            "remoteIpBlocks": (r.remote_ip, _in_block, True),
            "requestPrincipals": (token, matches_text, True),
            "ports": (r.port, str.__eq__, False),
            "methods": (r.method, matches_text, True),
            "paths": (r.path, _matches_path, True),
            "hosts": (r.host, _matches_host, True),
        }
        return table.get(name, (Seen.UNKNOWN, matches_text, True))

    def _test_key(self, key: str) -> tuple[Value, Callable[[str, str], bool], bool]:
        named = {
            "source.principal": "principals",
            "source.namespace": "namespaces",
            "source.serviceAccount": "serviceAccounts",
            "source.ip": "ipBlocks",
            "remote.ip": "remoteIpBlocks",
            "request.auth.principal": "requestPrincipals",
            "destination.port": "ports",
        }
        if key in named:
            return self._test(named[key])
        r, is_http = self.request, key.startswith("request.")
        if key == "connection.sni":
            return r.sni, matches_text, False
        if key.startswith("request.auth.") and r.has_token is False:
            return Seen.ABSENT, matches_text, True
        if key.startswith("request.headers["):
            # Envoy keeps the names of headers in lower case.
            key = key.lower()
        return r.attributes.get(key, Seen.UNKNOWN), matches_text, is_http

    def _field(
        self,
        path: Path,
        values: list[str],
        test: tuple[Value, Callable[[str, str], bool], bool],
        *,
        negated: bool,
        deny: bool,
    ) -> Field:
        value, compare, is_http = test
        if is_http and not self.request.http:
            # istiod drops such a rule from ALLOW, and such a field from DENY.
            return Field(path, tuple(values), value, Match.YES if deny else Match.NO)
        match = any_of(_judge(value, lambda v, p=p: compare(p, v)) for p in values)  # type: ignore[misc]
        return Field(path, tuple(values), value, match.inverted() if negated else match)

    def _group(self, path: Path, group: object, *, deny: bool) -> tuple[Field, ...]:
        fields = []
        for name, wanted in as_mapping(group).items():
            values = [str(item) for item in as_list(wanted)]
            if not values:
                continue
            negated = name.startswith("not")
            plain = name[3:4].lower() + name[4:] if negated else name
            fields.append(
                self._field((*path, name), values, self._test(plain), negated=negated, deny=deny)
            )
        return tuple(fields)

    def _conditions(self, path: Path, rule: object, *, deny: bool) -> Iterator[Field]:
        for index, item in enumerate(as_list(as_mapping(rule).get("when"))):
            condition = as_mapping(item)
            test = self._test_key(str(condition.get("key") or ""))
            for name in ("values", "notValues"):
                values = [str(value) for value in as_list(condition.get(name))]
                if values:
                    yield self._field(
                        (*path, "when", index, name),
                        values,
                        test,
                        negated=name == "notValues",
                        deny=deny,
                    )

    def rule(self, index: int, rule: object, *, deny: bool) -> RuleMatch:
        """Judge one rule: any source, any operation, every condition."""
        path: Path = ("spec", "rules", index)
        fields: list[Field] = []
        judged: list[Field] = []
        answers: list[Match] = []
        for part, inner in (("from", "source"), ("to", "operation")):
            groups = [
                self._group((*path, part, n, inner), as_mapping(item).get(inner), deny=deny)
                for n, item in enumerate(as_list(as_mapping(rule).get(part)))
            ]
            if not groups:
                continue
            answers.append(any_of(all_of(f.match for f in group) for group in groups))
            fields += _failing(groups)
            judged += [item for group in groups for item in group]
        conditions = tuple(self._conditions(path, rule, deny=deny))
        answers.append(all_of(f.match for f in conditions))
        fields += [item for item in conditions if item.match is not Match.YES]
        match = all_of(answers)
        failing = tuple(fields) if match is not Match.YES else ()
        return RuleMatch(index, match, failing, (*judged, *conditions))


def _failing(groups: list[tuple[Field, ...]]) -> tuple[Field, ...]:
    """The fields of the group that comes nearest to matching which do not match."""
    missed = [tuple(f for f in group if f.match is not Match.YES) for group in groups]
    return min(missed, key=lambda fields: (sum(f.match is Match.NO for f in fields), len(fields)))


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """One rule, judged."""

    index: int
    match: Match
    fields: tuple[Field, ...]
    """Those of its nearest source, operation and conditions that do not match, or may not."""
    judged: tuple[Field, ...] = ()
    """Every field of every source and operation, and every condition, in the rule's order."""

    @property
    def failed(self) -> tuple[Field, ...]:
        """The fields that say no; where none does, those that may."""
        return tuple(f for f in self.fields if f.match is Match.NO) or self.fields
