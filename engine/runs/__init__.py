"""Run folders: the truth about every training run."""
