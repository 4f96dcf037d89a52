"""The command that audits a published table.

As in ``cli``, whatever a command needs is imported inside of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro


def audit(
    table: Annotated[Path, tyro.conf.Positional],
    questions: tuple[Path, ...] = (),
    orders: Literal["within_groups", "as_printed"] = "within_groups",
    store: Path | None = None,
) -> int:
    """Check a table of accuracies by arithmetic: test file, order of columns, averages.

    The table is a CSV file with a row a method and a column a category, such as 'Audio Counting'
    or 'A_cnt', averages such as 'A_avg' and 'all_avg', accuracies in per cent as printed.

    Args:
        table: CSV file.
        questions: annotation files that may have been scored, or a file of stored counts; those of
            MUSIC-AVQA's two test files if not given.
        orders: which columns may stand under each other's headings; within_groups tries all
            orders of each group, as_printed none but the printed one.
        store: write the counts of the question files here, with their provenance.
    """
    from avqa_core import audit as auditing
    from avqa_core.audit.wording import described
    from avqa_core.profiles import checkout

    paths = questions or (checkout() / "book" / "results" / "paper" / "question_counts.json",)
    files = [one for path in paths for one in auditing.load_questions(path)]
    if store is not None:
        names = " ".join(path.name for path in paths)
        command = f"avqa audit TABLE --questions {names} --store FILE"
        auditing.save_questions(files, store, command, auditing.rows_in_common(paths))
    read = auditing.read_table(table, files[0].counts)
    for line in described(auditing.audit(read, files, orders)):
        print(line)
    return 0
