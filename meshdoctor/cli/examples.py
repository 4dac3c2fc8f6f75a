"""Examples that each command's ``--help`` ends with: what people type, and what it is for."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "open": (
        ("meshdoctor", "The cluster of the current context"),
        ("meshdoctor open mesh.tar.gz", "A recording, or another tool's archive"),
    ),
    "diagnose": (
        ("meshdoctor diagnose", "Whatever is wrong with the cluster of the current context"),
        ("meshdoctor diagnose mesh.tar.gz -n shop", "One namespace of a recording"),
        ("meshdoctor diagnose --symptom 503 --to ratings:8080", "What a user reports"),
        ("kubectl logs web-0 -c istio-proxy | tail -1 | meshdoctor diagnose --log-line -", ""),
        ("meshdoctor diagnose mesh.tar.gz -o json", "For a program; the exit code says it too"),
    ),
    "report": (
        ("meshdoctor report mesh.tar.gz", "Markdown, to paste into Slack or an issue"),
        ("meshdoctor report -o incident.html --mask", "One HTML file without real names"),
        ("meshdoctor report mesh.tar.gz -f sarif -o mesh.sarif", "For code scanning"),
    ),
    "record": (
        ("meshdoctor record -o mesh.tar.gz", "Everything that a diagnosis reads, redacted"),
        ("meshdoctor record --archive bug-report.tar.gz -o mesh.tar.gz", "From istioctl's archive"),
    ),
    "proxy-status": (
        ("meshdoctor proxy-status", "Every proxy"),
        ("meshdoctor proxy-status mesh.tar.gz -n shop", "One namespace of a recording"),
    ),
    "proxy-config": (
        ("meshdoctor proxy-config cluster deploy/client-v1 -n shop", "As istioctl has it"),
        ("meshdoctor proxy-config route client-0.shop mesh.tar.gz", "From a recording"),
    ),
    "trace": (
        ("meshdoctor trace --from deploy/client-v1 -n shop --to http://ratings:8080/", ""),
        ("meshdoctor trace mesh.tar.gz --from gateway --to https://shop.example.com/api", ""),
    ),
    "istiod-logs": (("meshdoctor istiod-logs --since 10m", "The lines that matter, explained"),),
    "webhooks": (("meshdoctor webhooks", "Whom injection and validation select"),),
    "certificates": (("meshdoctor certificates mesh.tar.gz", "Chains, roots and days left"),),
    "namespaces": (("meshdoctor namespaces", "Labels, and what injection makes of them"),),
    "mtls": (("meshdoctor mtls --only-broken", "Pairs that cannot talk to each other"),),
    "revisions": (("meshdoctor revisions", "Asked for, got, connected to"),),
    "diff": (
        ("meshdoctor diff yesterday.tar.gz today.tar.gz", "Two recordings"),
        ("meshdoctor diff yesterday.tar.gz", "What changed since it worked"),
    ),
    "check": (("meshdoctor check --context prod-eu", "Before the first reading"),),
    "rbac": (("meshdoctor rbac | kubectl apply -f -", "Let somebody read, and nothing else"),),
    "serve": (
        ("meshdoctor serve mesh.tar.gz", "Then: export KUBECONFIG=… and kubectl get pods"),
        ("meshdoctor serve mesh.tar.gz --fault deny:list:secrets", "Let something go wrong"),
    ),
    "drill": (
        ("meshdoctor drill list", "What there is to practise"),
        ("meshdoctor drill next", "What to practise now, and why"),
        ("meshdoctor drill exam", "Sixteen tasks, two hours, no hints"),
        ("meshdoctor drill start D08", "Serve a broken mesh, to be mended with kubectl"),
        ("meshdoctor drill check", "Whether it is mended, and if not why"),
        ("meshdoctor drill new TEAM-1 --from outage.tar.gz", "Write one of your own"),
    ),
    "completion": (("meshdoctor completion bash", "See above for where it goes"),),
    "playbooks": (("meshdoctor playbooks show 503", "The steps that tell its causes apart"),),
}
"""By command: the line, and a word on it where it does not say it all itself."""


def examples_text(command: str) -> str:
    """The end of a command's help, kept line by line; empty where there are no examples."""
    lines = []
    for line, says in EXAMPLES.get(command, ()):
        if says:
            lines.append(f"  # {says}")
        lines.append(f"  {line}")
    return "\n".join(["\b", "Examples:", *lines]) if lines else ""
