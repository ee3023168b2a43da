"""The embedding explorer's four views, drawn by pages/embeddings.py: the map, two spaces, a run
that learns, the figures.
"""
