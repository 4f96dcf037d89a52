"""Annotations, vocabulary, the packed feature store, batches, availability."""
