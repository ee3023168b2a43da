"""A model for use outside the lab: one ONNX file that takes a picture as it is, with names and a
card.
"""
