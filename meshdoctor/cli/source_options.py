"""Which mesh a command looks at: a recording, or the live cluster of a kubeconfig context."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from meshdoctor.cli import completing
from meshdoctor.cli.durations import DURATION
from meshdoctor.cli.extending import extend, playbooks_option
from meshdoctor.live.options import ClusterOptions, LiveOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from meshdoctor.session import Session

F = TypeVar("F", bound="Callable[..., object]")

_CLUSTER = (
    click.option(
        "--context",
        metavar="NAME",
        help="Live: the kubeconfig context.",
        shell_complete=completing.contexts,
    ),
    click.option("--kubeconfig", metavar="PATH", help="Live: the kubeconfig (else as kubectl)."),
    click.option("--as", "as_user", metavar="USER", help="Live: impersonate this user."),
    click.option(
        "--as-group", "as_groups", metavar="GROUP", multiple=True, help="Live: and this group."
    ),
    click.option("--as-uid", metavar="UID", help="Live: and this uid."),
    click.option(
        "--istio-namespace", "-i", metavar="NAMESPACE", help="Live: where istiod is (else found)."
    ),
    click.option("--revision", metavar="REV", help="Live: only this control plane's proxies."),
    click.option(
        "--timeout",
        type=DURATION,
        metavar="DURATION",
        help="Live: stop reading after 30s, 5m …; what was read is used.",
    ),
    click.option(
        "--request-timeout",
        type=DURATION,
        metavar="DURATION",
        help="Live: give up on one request after 20s (the default) …",
    ),
    click.option(
        "--no-port-forward", is_flag=True, help="Live: ask proxies and istiod through exec."
    ),
)
_SCOPE = (
    click.option("--selector", "-l", metavar="LABELS", help="Live: only proxies of such pods."),
    click.option(
        "--max-proxies",
        type=click.IntRange(min=1),
        metavar="N",
        help="Live: read a sample of N proxies, spread over the workloads.",
    ),
    click.option(
        "--logs-since",
        type=DURATION,
        metavar="DURATION",
        help="Live: logs of the last 10m, 2h … only.",
    ),
    click.option("--no-logs", is_flag=True, help="Live: read no logs."),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The mesh that was chosen."""

    recording: Path | None
    live: LiveOptions

    def session(self, **asked: Any) -> Session:
        """A session on it.

        Args:
            asked: what of a live cluster the command is about (fields of LiveOptions).
        """
        from meshdoctor.session import RecordingSource, Session

        if self.recording is not None:
            return Session(RecordingSource(self.recording))
        from meshdoctor.live.source import LiveSource

        return Session(LiveSource(replace(self.live, **asked)))


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _live_options(given: dict[str, Any]) -> LiveOptions:
    """Take the options of a live read out of what a command was given."""
    cluster = ClusterOptions(
        kubeconfig=given.pop("kubeconfig"),
        context=given.pop("context"),
        as_user=given.pop("as_user"),
        as_groups=tuple(given.pop("as_groups")),
        as_uid=given.pop("as_uid"),
    )
    per_request = _seconds(given.pop("request_timeout"))
    return LiveOptions(
        cluster=replace(cluster, request_timeout=per_request) if per_request else cluster,
        istio_namespace=given.pop("istio_namespace"),
        revision=given.pop("revision"),
        timeout=_seconds(given.pop("timeout")),
        port_forward=not given.pop("no_port_forward"),
        selector=given.pop("selector", None),
        max_proxies=given.pop("max_proxies", None),
        logs=not given.pop("no_logs", False),
        logs_since=given.pop("logs_since", None),
    )


def _refuse_both(recording: Path | None, live: LiveOptions) -> None:
    """A recording has no context: saying both is a mistake worth a word."""
    if recording is not None and live != LiveOptions():
        raise click.UsageError(
            f"{recording} is a recording: options marked Live are for a cluster (leave one out)"
        )


def live_options(command: F) -> F:
    """Options of a command that only knows a live cluster; hands it ``choice``."""

    @wraps(command)
    def taken(**given: Any) -> object:
        return command(choice=Choice(None, _live_options(given)), **given)

    return cast("F", _with(taken, (*_CLUSTER, *_SCOPE)))


def source_options(command: F) -> F:
    """``[RECORDING]`` or the options of a live cluster; hands the command ``choice``."""

    @wraps(command)
    def taken(**given: Any) -> object:
        extend(given.pop("own"))
        recording, option = given.pop("recording"), given.pop("recording_option")
        if recording and option and recording != option:
            raise click.UsageError(f"two recordings are named: {recording} and {option}")
        live = _live_options(given)
        _refuse_both(recording or option, live)
        return command(choice=Choice(recording or option, live), **given)

    recorded = (
        click.argument(
            "recording", required=False, type=click.Path(path_type=Path), metavar="[RECORDING]"
        ),
        click.option(
            "--recording",
            "-r",
            "recording_option",
            type=click.Path(path_type=Path),
            envvar="MESHDOCTOR_RECORDING",
            help="The recording, bug-report, kubectl dump or support bundle to read: a folder or a "
            "file. Without one: the live cluster.",
        ),
    )
    return cast("F", _with(taken, (*recorded, *_CLUSTER, *_SCOPE, playbooks_option)))


def _with(command: Callable[..., object], options: tuple[Callable[[Any], Any], ...]) -> Any:
    for option in reversed(options):
        command = option(command)
    return command
