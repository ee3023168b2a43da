"""The page of a class: what its teacher leads by, and what its students see."""
