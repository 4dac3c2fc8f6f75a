"""From findings through playbooks to root causes."""
