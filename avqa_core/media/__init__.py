"""From files to arrays: decoding, resizing, instants of segments, log-mel spectrograms."""
