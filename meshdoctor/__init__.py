"""meshdoctor finds out why an Istio service mesh misbehaves."""

__version__ = "0.1.0"
