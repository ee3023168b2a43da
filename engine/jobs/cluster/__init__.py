"""Runs and background tasks as jobs of a Ray or Slurm cluster whose nodes share the lab's home."""
