"""The sections of the Label noise page."""
