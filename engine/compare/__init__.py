"""Runs side by side, on arrays and recipes: what is compared, whether a difference is real, and the
verdict in words.
"""
