"""Label noise: what is wrong with a data set's labels, which of them are suspect, and training
through wrong ones. docs/label-noise.md explains the method.
"""
