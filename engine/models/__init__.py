"""Networks. Each is a `Recognizer`: images in, L2-normalised embeddings and logits out."""
