"""Every exception the package raises for something a user can cause.

A message has three parts: what was expected, what came, and what to do about it.
The command line turns any of these into one line on stderr and exit code 2.
"""

from __future__ import annotations


class AvqaError(Exception):
    """Base of all errors that a user of the package can cause."""


class ConfigError(AvqaError):
    """A configuration has an unknown, missing or impossible value."""


class RegistryError(AvqaError):
    """A part was looked up, or registered, under a name that does not fit."""


class AnnotationError(AvqaError):
    """A question file is unreadable, or names a word or an answer nobody knows."""


class FeatureError(AvqaError):
    """A feature is missing, corrupt, of the wrong shape or not finite."""


class ModalityError(AvqaError):
    """An operation needs a modality that is not there, or availability is malformed."""


class CheckpointError(AvqaError):
    """A checkpoint or run folder cannot be read, or does not fit the model."""
