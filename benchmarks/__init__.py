"""Speed and memory, run by hand (``make bench``) or in small form by the tests."""
