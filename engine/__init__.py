"""Glyphlab's engine: data, models, training, explanations and label noise, without a browser.

Importing it does nothing: no file is read, no device is chosen and torch is not loaded.
"""

__version__ = "0.1.0"
