"""The command that audits a published table.

As in ``cli``, whatever a command needs is imported inside of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from avqa_core.audit import Questions


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
    from avqa_core.config import require
    from avqa_core.profiles import checkout

    # What is shipped of MUSIC-AVQA are counts already, so there is nothing to count.
    require(
        store is None or bool(questions),
        f"--store: expected annotation files to count for {store}, got none: name them with "
        "--questions",
    )
    paths = questions or (checkout() / "book" / "results" / "paper" / "question_counts.json",)
    files = [one for path in paths for one in auditing.load_questions(path)]
    if store is not None:
        _write_counts(files, paths, store)
    read = auditing.read_table(table, files[0].counts)
    for line in described(auditing.audit(read, files, orders)):
        print(line)
    return 0


def _write_counts(files: Sequence[Questions], paths: Sequence[Path], store: Path) -> None:
    """Write counts of question files; the folder is made if there is none."""
    from avqa_core.audit import rows_in_common, save_questions
    from avqa_core.errors import AnnotationError

    names = " ".join(path.name for path in paths)
    command, shared = f"avqa audit TABLE --questions {names} --store FILE", rows_in_common(paths)
    try:
        # Here and not in save_questions: the counts in the book know the source of that module.
        store.parent.mkdir(parents=True, exist_ok=True)
        save_questions(files, store, command, shared)
    except OSError as error:
        raise AnnotationError(
            f"--store: expected a file to write the counts to, got {error}: name another one"
        ) from error
