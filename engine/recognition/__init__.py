"""From a model's outputs to characters and words: confusable classes, lines of text, similarity of
shape.
"""
