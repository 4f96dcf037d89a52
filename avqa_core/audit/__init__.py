"""The arithmetic audit of published tables of accuracies.

An accuracy over n questions is k/n. From the printed digits alone follows which test file a row can
have been scored on, under which order of its columns, and whether its averages follow from its
cells. ``audit`` does it for a table, ``chances`` says how likely random numbers would pass.
"""

from avqa_core.audit.explaining import audit, audit_row
from avqa_core.audit.findings import (
    AverageCheck,
    Explanation,
    Misfit,
    RowAudit,
    TableAudit,
)
from avqa_core.audit.near_misses import Edit, one_digit_edits
from avqa_core.audit.questions import (
    Questions,
    load_questions,
    rows_in_common,
    save_questions,
    stored_rows_in_common,
)
from avqa_core.audit.recovery import Recovered, recover_counts
from avqa_core.audit.repeats import Repeat, repeated_blocks, shared_blocks
from avqa_core.audit.rescoring import Rescored, rescored
from avqa_core.audit.rounding import Printed, consistent_counts
from avqa_core.audit.tables import ALL, ScoreRow, ScoreTable, read_table

__all__ = [
    "ALL",
    "AverageCheck",
    "Edit",
    "Explanation",
    "Misfit",
    "Printed",
    "Questions",
    "Recovered",
    "Repeat",
    "Rescored",
    "RowAudit",
    "ScoreRow",
    "ScoreTable",
    "TableAudit",
    "audit",
    "audit_row",
    "consistent_counts",
    "load_questions",
    "one_digit_edits",
    "read_table",
    "recover_counts",
    "repeated_blocks",
    "rescored",
    "rows_in_common",
    "save_questions",
    "shared_blocks",
    "stored_rows_in_common",
]
