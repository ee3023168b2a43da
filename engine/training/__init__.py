"""The loop, what it minimises, and how a run goes on as if it had never been interrupted."""
