"""Frozen networks that turn frames and log-mel patches into stored features."""
