"""A sweep on disk: its search space, and where its trials are kept."""
