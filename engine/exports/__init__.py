"""Data sets and models in the formats that people use elsewhere."""
