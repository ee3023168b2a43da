"""The tabs of the canvas."""
