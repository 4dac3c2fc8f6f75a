"""A Kubernetes API server on loopback that answers from a recording."""
