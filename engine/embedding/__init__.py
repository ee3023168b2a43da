"""An embedding space: neighbours, maps, retrieval."""
