"""What users add: playbooks, causes, checks and analyzers in folders of their own."""
