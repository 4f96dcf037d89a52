"""Video files: which instants of a film are looked at and listened to, decoding, resizing.

Not a part of ``media``, whose content decides what a built-in world is made of: no world is made
from a file, so no edit here may let one be built anew.
"""
