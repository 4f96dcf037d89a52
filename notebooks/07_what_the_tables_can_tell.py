# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What can the printed tables tell?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** how much follows from two printed decimals: which test file a row was scored on,
#   which column is which, which averages go with their cells; and where digits stay silent.
# - **Belongs to** Tables 1, 2 and 3 of {cite:t}`park2024learning`, and to every table of accuracies
#   that you want to compare yourself with.
# - **Time** at most 30 s on two CPU cores, in every profile: it is arithmetic on stored tables.
# - **Data** the printed tables, and the number of questions of each category in both test files of
#   MUSIC-AVQA {cite:p}`li2022learning`, counted once.
# - **Read before** nothing; {doc}`05_ablations` quotes the tables that are read here.
# :::

# %% tags=["hide-input"]
from typing import Optional

import numpy as np
from myst_nb import glue

from avqa_core import audit, checks, profiles
from avqa_core.audit import chances, statements
from avqa_core.types import QuestionCategory
from avqa_core.viz import audit_reach, style
from avqa_core.viz import audit_views as views

profiles.require_package("0.1")
style.use_style()

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # of the random tables
num_seeds: Optional[int] = None  # not used: one stream of random tables
device: Optional[str] = None  # auto, cpu or cuda
data_dir: Optional[str] = None  # not used: this page reads stored tables
out_dir: Optional[str] = None  # where this page may write
num_rows: Optional[int] = None  # random rows of each simulation

# %%
run = profiles.resolve(
    "07_what_the_tables_can_tell",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    num_rows=num_rows,
)
stored = profiles.checkout() / "book" / "results" / "paper"
files = audit.load_questions(stored / "question_counts.json")
first_release, corrected = files
names = ("table1_full", "table3_full", "complete_reference", "released_logs")
tables = {
    name: audit.read_table(stored / f"{name}.csv", corrected.counts)
    for name in names
}
found = {name: audit.audit(one, files) for name, one in tables.items()}
table_1, table_3 = found["table1_full"], found["table3_full"]
print(run)

# %% [markdown]
# ## The finding first: two test files, two exchanged headings
#
# MUSIC-AVQA has two releases of its test file. Each cell below says from which of them its number
# *can* come. Taken as headed, two columns fit neither file in nearly every row. With the headings of
# these two exchanged, every row fits one file from end to end.

# %% mystnb={"figure": {"caption": "Table 1, cell by cell: which test file can give the printed number. Left each column is taken for what its heading says, right the two columns headed AV Location and AV Counting are taken for each other. Behind a method's name: which modality is missing. No seeds: this is arithmetic.", "name": "fig-fits"}, "image": {"alt": "Two grids with a line for each row of Table 1 and a column for each question category. Left, the columns AV Location and AV Counting are marked as fitting neither file nearly throughout. Right, each row has one colour from end to end, that of the first release or that of the corrected file."}}
(exchanged,) = table_1.common_orders
rows_1 = {row.row.name: row for row in table_1.rows}
on_first = [
    name
    for name, row in rows_1.items()
    if statements.scored_on(row, first_release.name)
]
glue("num_rows_1", str(len(rows_1)), display=False)
glue("num_on_first", str(len(on_first)), display=False)
glue("num_on_corrected", str(len(rows_1) - len(on_first)), display=False)
glue("total_first", f"{first_release.total:,}", display=False)
glue("total_corrected", f"{corrected.total:,}", display=False)
views.fit_figure(table_1, exchanged)

# %% [markdown]
# Of {glue:text}`num_rows_1` rows, {glue:text}`num_on_first` can only come from the first release
# ({glue:text}`total_first` questions) and {glue:text}`num_on_corrected` only from the corrected file
# ({glue:text}`total_corrected`). None of this takes anything away from the work that the tables
# report: printing two decimals, as the authors did, is what makes such a reading possible.
#
# ## The arithmetic, on one cell by hand
#
# An accuracy over $n$ questions is a fraction $k/n$ with a whole number $k$ of right answers. Printed
# with two decimals, the number $p$ stands for some $k$ with
#
# $$
# \left| \frac{100\,k}{n} - p \right| \le 0.005 .
# $$
#
# Halves may have been rounded up, to even, or as binary fractions fall, so both ends count.

# %%
cell = rows_1["AVST, visual"].row.cell(QuestionCategory("Audio", "Counting"))
counting = {
    one.name: one.counts[QuestionCategory("Audio", "Counting")] for one in files
}
for name, n in counting.items():
    nearest = int(cell.percent * n / 100)
    tried = {k: round(100 * k / n, 3) for k in (nearest, nearest + 1)}
    fitting = list(audit.consistent_counts(cell, n))
    print(
        f"{cell.text} % of {n} ({views.file_label(name)}): {tried} -> {fitting}"
    )

old, new = counting.values()
share = chances.share_of_values(new)
common = chances.share_in_common(old, new)
glue("share_cell", 100 * share, display=False)
glue("share_common", 100 * common, display=False)
glue("n_cell", str(new), display=False)
glue("apart_cell", 100 * abs(old - new) / old, display=False)

# %% [markdown]
# **Predict** before you go on: the two numbers of questions differ by {glue:text}`apart_cell:.1f` %.
# How often will a number that is right for one of them also pass for the other?
#
# About as often as any number would: of all numbers from 0.00 to 100.00,
# {glue:text}`share_cell:.1f` % are roundings of some $k/n$ with $n$ = {glue:text}`n_cell`, and of the
# true accuracies on the first release {glue:text}`share_common:.1f` % are. One cell proves little.
# Nine cells, asked together, prove much.

# %% [markdown]
# ## Every row asked: which file, which order
#
# A *hypothesis* is a test file and an order of the columns within their groups. It explains a row if
# every cell is a rounding. All orders are tried, not only the exchange that turned out to be right.

# %%
views.verdict_table(
    {"1": table_1, "3": table_3},
    caption="Tables 1 and 3: the hypothesis that fits best. Explanations: how "
    "many fit the cells; where there are several, the averages decide.",
)

# %% [markdown]
# The order *Existential, Counting, Location, Comparative, Temporal* is the one in which the released
# program prints its results. Table 1 and Table 3 head the second and third of these columns the other
# way round. Whoever reads a weakness in counting out of them may be looking at location.
#
# ## A control: rows whose file is known
#
# Does the audit say what is true where the truth is known? The MUSIC-AVQA repository shows results
# of eight methods on both releases; and the paper's authors released logs of their own program, on
# the corrected file.

# %%
control = found["complete_reference"]
stated = {
    row.row.name: (first_release if ", old" in row.row.name else corrected).name
    for row in control.rows
}
told = audit_reach.control_counts(control, stated)
logs = found["released_logs"]
in_logs = audit_reach.control_counts(
    logs, {row.row.name: corrected.name for row in logs.rows}
)
for name, value in told.items():
    glue(f"control_{name}", str(value), display=False)
for name, value in in_logs.items():
    glue(f"logs_{name}", str(value), display=False)
print("known rows:", told)
print("released logs:", in_logs)

# %% [markdown]
# Of {glue:text}`control_rows` rows, {glue:text}`control_explained` are explained:
# {glue:text}`control_right_file` by the file that their source states,
# {glue:text}`control_other_file` by the other one, and {glue:text}`control_as_headed` with the
# columns as headed. Rows with a cell that is no fraction of its file:
# {glue:text}`control_unexplained`; with an average that does not follow:
# {glue:text}`control_unfollowed`. Such slips happen anywhere. Of the {glue:text}`logs_rows` logs,
# {glue:text}`logs_all_follow` add up to the last digit, with the columns in the order that their
# headings state.
#
# ## Averages: micro, and off when the headings stay
#
# A group average is a fraction of the group's questions. Once the cells are whole numbers of right
# answers, their sum decides without any tolerance whether a printed average follows.

# %% mystnb={"figure": {"caption": "Table 1, audio-visual group: average computed from the cells minus the printed one, under the printed headings and with Location and Counting exchanged, on the test file of each row. No seeds: this is arithmetic.", "name": "fig-averages"}, "image": {"alt": "One line for each row. With the two columns exchanged nearly all marks lie on zero; as headed all lie to the left of it. One row lies far to the left even exchanged."}}
views.averages_figure(table_1, exchanged, "Audio-Visual")

# %%
odd = {name: row for name, row in rows_1.items() if row.explained.failing}
of_avst = {one.group: one for one in odd["AVST+Ours, audio"].explained.failing}
glue("excess_av", str(of_avst["Audio-Visual"].excess), display=False)
glue("excess_all", str(of_avst[audit.ALL].excess), display=False)
points = [
    abs(one.recomputed.percent - one.printed.percent)
    for row in odd.values()
    for one in row.explained.failing
    if one.group == audit.ALL
]
glue("odd_points", max(points), display=False)
glue("num_odd", str(len(odd)), display=False)
glue(
    "num_odd_averages",
    str(sum(len(row.explained.failing) for row in odd.values())),
    display=False,
)
views.mending_table(
    table_1,
    caption="Rows that do not add up, and every single digit that would make "
    "one more average follow.",
)

# %% [markdown]
# In {glue:text}`num_odd` rows, {glue:text}`num_odd_averages` averages do not follow. In the row of
# Pano-AVQA with the method, each is one digit away from what the cells give. In the row of AVST
# with the method no single digit mends both: one average asks for {glue:text}`excess_av` right
# answers fewer than the cells have, the other for {glue:text}`excess_all`, so that lowering one
# cell cannot satisfy both. Whether a cell or an average is off, arithmetic cannot tell. On the
# average over all questions, the last column of the table, it makes {glue:text}`odd_points:.2f`
# points at most.

# %% [markdown]
# ## How much the file matters: at most a fraction of a point
#
# The plain rows of three networks, {glue:text}`num_on_first` in all, were scored on the first release,
# what is compared with them on the corrected file. Does that matter? Both files share nearly all rows, so
# it can be bounded.

# %%
shared = audit.stored_rows_in_common(stored / "question_counts.json")
pairs = {
    f"{name}, {half}": f"{name}+Ours, {half}"
    for half in ("visual", "audio")
    for name in ("AVSD", "Pano-AVQA", "AVST")
}
widest = max(
    abs(bound - table_1.table.row(name).average(audit.ALL).percent)
    for name, other in pairs.items()
    for bound in audit_reach.rescored_bounds(table_1, name, other, shared)
)
glue("shared", f"{shared:,}", display=False)
glue("widest", widest, display=False)
audit_reach.rescored_table(
    table_1,
    pairs,
    shared,
    caption="Gains in points, as printed and if the baseline's answers were "
    "counted on the corrected file.",
)

# %% [markdown]
# The files share {glue:text}`shared` rows with the same answer. Whatever a baseline answered to the
# others, its accuracy on the corrected file is within {glue:text}`widest:.2f` points of the printed
# one. The gains of Table 1 are far larger: the two files can account for no more than that of them. They
# do matter where methods are tenths of a point apart.
#
# ## How likely would random numbers pass?
#
# A check is worth what it refuses. Take cells at random, evenly from 0.00 to 100.00: how often does
# any of the hypotheses explain them? The sum of the chances over all hypotheses is a bound; a
# simulation says how sharp it is.

# %%
for name, told_as in audit_reach.chance_words(
    table_1, seed=run.seed, num_rows=run.num_rows
).items():
    glue(name, told_as, display=False)
audit_reach.chance_table(
    table_1,
    generator=np.random.default_rng(run.seed),
    num_rows=run.num_rows,
    caption=f"Random cells that pass, any file and any order; {run.num_rows} "
    "simulated rows a line.",
)

# %% [markdown]
# All nine cells of a random row pass in fewer than one of {glue:text}`one_in` rows, all
# hypotheses counted; a true row of one file passes as one of the other in fewer than one of
# {glue:text}`other_in`. Four averages drawn between their smallest and largest part would all
# follow, given the cells, in fewer than one of {glue:text}`averages_in`.
#
# And the other way round: of simulated true rows in which one cell was moved by up to one point, the
# audit notices {glue:text}`noticed`. What escapes is what stays a fraction *and* leaves every average
# as it is printed.
#
# ## Cells that stand twice
#
# Two methods can be equally right by chance. Equal cells are a place to look at, not a verdict.

# %%
twice = audit.repeated_blocks(table_1.table)
borrowed = audit.shared_blocks(table_3.table, control.table)
for one in (*twice, *borrowed):
    print(f"{one.group} {', '.join(one.values)}: {'; '.join(one.rows)}")
counts = rows_1["AVSD+Ours, audio"].explained.counts
right = " and ".join(str(counts[one][0]) for one in corrected.groups["Audio"])
glue("twice_right", right, display=False)

# %% [markdown]
# With the sound missing, two different backbones with the method have the same two audio cells,
# {glue:text}`twice_right` right answers. And the audio cells of DrFuse with the picture missing are
# those of AVST with *both* modalities present, as the MUSIC-AVQA repository shows them. Either may be
# chance or a slip of copying. The digits cannot tell.
#
# ## Table 2: the number of questions, from the digits alone
#
# Table 2 is about another data set, AVQA {cite:p}`yang2022avqa`, and its eight types of question. We
# have no file of it. But every row of a column must be a fraction of *one* number of questions; and
# the averages say which numbers go together.

# %%
kinds = "Used For, When, Before Next, Why, Where, Happening, Come From, Which"
types = [QuestionCategory("AVQA", kind) for kind in kinds.split(", ")]
table_2 = audit.read_table(stored / "table2_full.csv", types)
set_aside = [row.name for row in table_2.rows if row.name.startswith("AVSD+")]
regular = table_2.without(set_aside)
best, second, *_ = audit.recover_counts(regular)
with_all = audit.recover_counts(table_2)[0]
glue("avqa_all", str(len(with_all.follows)), display=False)
glue("avqa_all_rows", str(len(table_2.rows)), display=False)
glue("avqa_total", f"{best.total:,}", display=False)
glue("avqa_follow", str(len(best.follows)), display=False)
glue("avqa_rows", str(len(regular.rows)), display=False)
glue("avqa_second", str(len(second.follows)), display=False)
glue("num_set_aside", str(len(set_aside)), display=False)
views.sizes_table(
    regular,
    best,
    limit=20_000,
    shown=5,
    caption="Table 2: numbers of questions that fit a column, and the "
    "combination of these that fits most averages.",
)

# %% [markdown]
# Of all combinations of these, the one in the last column makes {glue:text}`avqa_follow` of
# {glue:text}`avqa_rows` averages follow, the next best {glue:text}`avqa_second`. Together it has
# {glue:text}`avqa_total` questions, and nobody told it how many: the size of AVQA's public
# validation file, while the text of the paper quotes a test split of 17,200.
# {glue:text}`num_set_aside` rows were set aside: with them no combination makes more than
# {glue:text}`avqa_all` of {glue:text}`avqa_all_rows` averages follow. What is their order?

# %%
audited_2 = audit.audit(table_2, [best.as_questions("recovered")])
found_2 = {row.row.name: row.explained for row in audited_2.rows}
apart = sum(
    abs(
        found_2["AVSD, visual"].counts[one][0]
        - found_2["AVSD, audio"].counts[one][0]
    )
    for one in types
)
checked = [one for name in set_aside for one in found_2[name].averages]
glue("num_checked", str(len(checked)), display=False)
glue("num_following", str(sum(one.follows for one in checked)), display=False)
glue("apart", str(apart), display=False)
glue("rare", str(sum(best.counts[one] for one in types[:4])), display=False)
views.order_table(
    audited_2,
    caption="Table 2 with the recovered numbers: the order of columns, out of "
    f"{audited_2.rows[0].num_hypotheses:,}, that explains each row best.",
)

# %% [markdown]
# The rows of AVSD with the method stand in reverse: the first cell belongs under the last heading.
# It is the only order that fits. They also have the same cells but different averages: of
# {glue:text}`num_checked`, {glue:text}`num_following` follows. Plain AVSD has nearly the same
# counts with the picture missing as with the sound missing: summed over types, they differ by
# {glue:text}`apart` right answers. And the first four types together have {glue:text}`rare`
# questions: differences there are differences of a few clips.
#
# ## Statements and verdicts
#
# The verdicts below are computed from the audits above; nothing is typed.

# %%
said = statements.about_tables(
    (table_1, table_3),
    exchanged,
    baselines=("AVSD", "Pano-AVQA", "AVST"),
    first=first_release.name,
    second=corrected.name,
)
said.append(
    statements.averages_follow(
        [audited_2], "Table 2: averages follow from the cells"
    )
)
views.statements_table(said, caption="Statements about the printed tables.")

# %%
for half in ("audio", "visual"):
    printed = table_1.table.row(f"AVST+Ours, {half}").average(audit.ALL)
    logged = logs.table.row(f"{half}_missing_timestep10").average(audit.ALL)
    glue(f"printed_{half}", printed.percent, display=False)
    glue(f"log_{half}", logged.percent, display=False)

# %% [markdown]
# ## What cannot be told
#
# - Which of a cell and an average is wrong, where they do not go together.
# - What was fed in place of a missing modality when the tables were made: the released program tests with
#   a corrupted half ({doc}`14_corrupted_is_not_missing`). Its logs end at {glue:text}`log_audio:.2f` % with the sound and
#   {glue:text}`log_visual:.2f` % with the picture missing; Table 1 prints
#   {glue:text}`printed_audio:.2f` % and {glue:text}`printed_visual:.2f` %: not the same runs.
# - How far other seeds would be from these: the digits fit single runs, and the paper names no seeds.
# - Whether a program's slip was also in the program that made a table.

# %% [markdown]
# ## Audit a table of your own
#
# Write the table as a CSV file with a column a category (`A_cnt` or `Audio Counting`) and text
# columns for names; any annotation file in MUSIC-AVQA's format gives the counts:
#
# ```
# avqa audit TABLE.csv --questions avqa-test.json
# ```
#
# ## Try it
#
# :::{exercise}
# :label: exercise-counts
#
# Write `counts_behind(text, n)`: every number of right answers among `n` questions that prints as
# `text`. Mind how many decimals the text has.
# :::

# %% [markdown]
# :::{solution-start} exercise-counts
# :class: dropdown
# :::
#
# Whole numbers only: a float would lose halves.


# %%
def counts_behind(text: str, n: int) -> list[int]:
    """Return every count among n that prints as text."""
    units = int(text.replace(".", ""))
    scale = 100 * 10 ** len(text.partition(".")[2])
    return [k for k in range(n + 1) if 2 * abs(k * scale - units * n) <= n]


print(checks.counts_behind(counts_behind))

# %% [markdown]
# :::{solution-end}
# :::

# %% [markdown]
# ## Summary
#
# - {glue:text}`num_on_first` of {glue:text}`num_rows_1` rows of Table 1 were scored on the first
#   release of the test file, the others on the corrected one; that moves an accuracy by at most
#   {glue:text}`widest:.2f` points.
# - In Tables 1 and 3 the audio-visual headings Location and Counting are exchanged in every row.
# - {glue:text}`num_odd_averages` averages of Table 1 do not follow from their cells, in
#   {glue:text}`num_odd` rows.
# - Table 2 was scored on {glue:text}`avqa_total` questions, and {glue:text}`num_set_aside` of its
#   rows stand in reverse.
# - Random numbers would pass in fewer than one of {glue:text}`one_in` rows.

# %% [markdown]
# ## Limits
#
# The audit assumes that cells were rounded and not cut off, and that rows are single runs: a mean
# over runs need not be a fraction. It judges digits, never intentions.
#
# **Next**: {doc}`14_corrupted_is_not_missing` looks at what the released program feeds when it tests.
