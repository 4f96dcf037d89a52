"""The trainer, its events, checkpoints and processes."""
