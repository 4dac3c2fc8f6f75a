"""What a secret looks like, rule by rule, and how it is hidden."""
