"""Protocols that are not HTTP, by the ports and names that give them away.

Some speak first: a proxy that waits for a request before it opens the connection waits for ever
(istio.io, application requirements, "Server first protocols").
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[a-z]+\d*[a-z]*")
_BESIDE = frozenset(
    {
        "admin",
        "api",
        "commander",
        "console",
        "exporter",
        "express",
        "health",
        "management",
        "metrics",
        "monitor",
        "monitoring",
        "prom",
        "ui",
        "web",
    }
)
"""Words of HTTP ports that stand beside such a server's own."""


@dataclass(frozen=True, slots=True)
class KnownProtocol:
    """A protocol that proxies must not take for HTTP."""

    name: str
    speaks_first: bool
    """Whether the server sends the first bytes."""
    ports: frozenset[int]
    words: frozenset[str]
    """Names of the protocol and of its usual servers."""


def _known(name: str, ports: set[int], words: str, *, first: bool = False) -> KnownProtocol:
    return KnownProtocol(name, first, frozenset(ports), frozenset(words.split()))


KNOWN = (
    _known("MySQL", {3306, 33060}, "mysql mariadb percona", first=True),
    _known(
        "SMTP", {25, 587}, "smtp postfix exim mailhog mailpit maildev haraka sendmail", first=True
    ),
    _known("FTP", {21}, "ftp vsftpd proftpd", first=True),
    _known("SSH", {22}, "ssh sshd sftp openssh", first=True),
    _known("IMAP", {143}, "imap dovecot", first=True),
    _known("POP3", {110}, "pop3", first=True),
    _known("NATS", {4222}, "nats", first=True),
    _known("MongoDB", {27017, 27018, 27019}, "mongo mongodb mongod"),
    _known("Redis", {6379}, "redis valkey keydb"),
    _known("PostgreSQL", {5432}, "postgres postgresql postgis pgbouncer pgpool"),
    _known("Memcached", {11211}, "memcached memcache"),
    _known("AMQP", {5672}, "amqp rabbitmq"),
    _known("Kafka", {9092}, "kafka"),
    _known("Cassandra", {9042}, "cassandra"),
    _known("ZooKeeper", {2181}, "zookeeper"),
    _known("SQL Server", {1433}, "mssql sqlserver"),
)
"""In the order in which they are tried."""


def words_of(text: str) -> frozenset[str]:
    """The words of a name, in lower case, with and without a number at their end."""
    found = set(_WORD.findall(text.lower()))
    return frozenset(found | {word.rstrip("0123456789") for word in found})


def image_name(image: str) -> str:
    """The last part of an image's path, without tag and digest."""
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0]


def by_port(number: int | None) -> KnownProtocol | None:
    """The protocol that a port number usually carries."""
    return next((item for item in KNOWN if number in item.ports), None)


def by_name(text: str) -> KnownProtocol | None:
    """The protocol that a name speaks of; None where it is of a port beside the server's own."""
    words = words_of(text)
    if words & _BESIDE:
        return None
    return next((item for item in KNOWN if words & item.words), None)
