"""From files to arrays: decoding, log-mel spectrograms."""
