"""Published checkpoints, read into the classes of this package with every tensor accounted for."""

from avqa_core.published.avst import published_dims, read_avst, read_avst_with_report
from avqa_core.published.matching import Imported, ImportReport
from avqa_core.published.missing_avqa import read_missing_avqa, read_missing_avqa_with_report
from avqa_core.published.words import published_vocabulary

__all__ = [
    "ImportReport",
    "Imported",
    "published_dims",
    "published_vocabulary",
    "read_avst",
    "read_avst_with_report",
    "read_missing_avqa",
    "read_missing_avqa_with_report",
]
