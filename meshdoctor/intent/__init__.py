"""The intent model: what istiod should give each proxy, computed from the objects alone."""
