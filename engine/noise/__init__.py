"""The label doctor: what is wrong with a data set's labels, which of them are suspect, and how to
train through it.
"""
