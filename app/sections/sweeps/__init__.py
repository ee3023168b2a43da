"""The sections of the Sweeps page."""
