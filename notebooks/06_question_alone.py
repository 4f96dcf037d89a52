# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How far does the question alone get?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** what a table of common answers, and a trained question encoder, get right on
#   MUSIC-AVQA without any clip; and where the paper's networks stand beside that.
# - **Belongs to** Sec. 4, Tables 1 and 3 of {cite:t}`park2024learning`.
# - **Time** at most 30 s on two CPU cores, in profiles `smoke` and `book`. The numbers of MUSIC-AVQA
#   are stored; the same is then measured live on the built-in world.
# - **Data** stored counts; {term}`Bandstand`, or a folder of your own with `data_dir`.
# - **Read before** {doc}`05_ablations`.
# :::

# %% tags=["hide-input"]
from typing import Optional

from myst_nb import glue

from avqa_core import checks, paper_baselines, profiles
from avqa_core.data import folder as folders
from avqa_core.studies import floor_results, question_floors, question_reader
from avqa_core.viz import floor_views as views
from avqa_core.viz import floor_words, style

profiles.require_package("0.1")
style.use_style()

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # first seed of the encoders trained live
num_seeds: Optional[int] = None  # how many of them
device: Optional[str] = None  # auto, cpu or cuda; this page needs no GPU
data_dir: Optional[str] = None  # a data folder; none: the built-in world
out_dir: Optional[str] = None  # where this page may write
channels: Optional[int] = None  # width of the encoders trained live
max_epochs: Optional[int] = None  # passes over the questions at most

# %%
run = profiles.resolve(
    "06_question_alone",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    channels=channels,
    max_epochs=max_epochs,
)
stored = floor_results.stored()
fit, test = ("avqa-val.json",), paper_baselines.CORRECTED
measured = stored.of(fit, test)
printed = {one: paper_baselines.printed_rows(one) for one in views.MISSING}
for name, said in floor_words.words(stored, fit, printed).items():
    glue(name, said, display=False)
print(f"{run}; floors of MUSIC-AVQA stored {stored.date}")

# %% [markdown]
# ## The finding first: half of the questions
#
# The upper rows are {term}`floors <floor>`: they have never seen a clip. They were fitted on the
# validation questions and scored on the test questions; nothing else went in. Below stand rows of the
# paper's Tables 1 and 3.

# %% mystnb={"figure": {"caption": "The question alone answers half of MUSIC-AVQA's test questions. Above: floors, fitted on the validation file and scored on the corrected test file; their 95 % intervals over clips are about as wide as the marks. Below: single runs of the paper with one modality missing, hollow where they were scored on the first release of the test file, whose floors are nearly the same.", "name": "fig-question-alone"}, "image": {"alt": "Two panels, audio missing and visual missing, with accuracy in percent from 0 to 100. Floors are diamonds that rise to the most common answer by template, where a shade ends, and hardly further. With the audio missing most networks lie left of its edge, with the picture missing most lie right of it. Networks with a method for absence lie right of it in both panels."}}
views.floors_figure(measured, printed)

# %% [markdown]
# With the audio missing, {glue:text}`below_audio` lie below the floor by template,
# {glue:text}`above_audio` above it. With the picture missing, {glue:text}`above_visual` lie above it
# and {glue:text}`not_told_apart_visual` cannot be told apart from it.
#
# Below the floor does not mean a poor network. As far as we are told it was never trained for
# absence; what it then gives up is even what the question would have told it. Of all
# {glue:text}`num_methods` rows with a method for absence in Tables 1 and 3, those around the other
# networks among them, {glue:text}`methods_above` are above. So
# the floor, not the bare network, is where a method for absence begins to earn.

# %% [markdown]
# ## What a floor is
#
# A look-up table tells questions apart by a key $k(q)$ and gives the most common answer:
#
# $$
# \hat a(q) = \arg\max_a \bigl|\{\, i : k(q_i) = k(q),\; a_i = a \,\}\bigr| .
# $$

# %% [markdown]
# The key is nothing, the category, the template, or the template with its slots filled. A key that was
# never fitted falls back to the next coarser one; of equally common answers the alphabetically first
# is taken. {glue:text}`new_questions` of the {glue:text}`num_test` test questions, filled, were never
# fitted.
#
# A table cannot carry over what it learned of one instrument to another. The encoder can: it is
# AVST's own, an LSTM over the words, with one linear layer to the answers. It learns from the
# same {glue:text}`num_fitted` questions and stops by those of held-out videos.
#
# **Predict**: how much more than the template is the whole question worth?

# %%
views.floors_table(
    {"val, corrected test": measured.rows},
    caption="Floors of MUSIC-AVQA. Intervals redraw whole clips, because "
    "questions about one clip are not independent.",
)

# %% [markdown]
# In numbers: {glue:text}`template` by template, {glue:text}`question` by filled question,
# {glue:text}`encoder` for the encoder (mean over {glue:text}`num_encoders` seeds). Which instrument is
# asked about says little about the answer; which of 33 forms the question has says most of it. On the
# first release of the test file ({glue:text}`num_test_first` rows, {glue:text}`num_repeated` of them
# with the id of an earlier one) the floor by template is {glue:text}`template_first`.
#
# ## Category by category
#
# An average can hide that a network answers some kinds of questions well. **Predict**: with the audio
# missing, do the networks stay above the floor at least where a question is about the picture alone?

# %% mystnb={"figure": {"caption": "Where each network with nothing added stands against the floor by template; the table below tells how many questions a category has. Hollow marks were scored on the first release of the test file, filled ones on the corrected one, which the floor is of. The paper's columns AV Loc and AV Cnt are read exchanged: only so do its averages follow from its cells.", "name": "fig-by-category"}, "image": {"alt": "Two panels, audio missing and visual missing, one row for each of nine question categories, accuracy in percent. A grey bar on each row ends at the floor, and four marks stand for AVSD, Pano-AVQA, AVST and PSTP-Net. With the audio missing the first three lie left of the bar's end on most rows, also for visual counting; PSTP-Net lies at or right of it."}}
views.category_figure(measured, printed)

# %% [markdown]
# Not always. Visual counting needs no sound; below the floor there: {glue:text}`below_counting`. On visual
# location: {glue:text}`below_location`. With the sound gone AVST lies below the floor in {glue:text}`avst_categories`
# categories. A likely reason: its sound grounds what it looks at and is part of every fused vector,
# so that a strange one reaches every question.
#
# With the picture gone, told apart from the floor: above it {glue:text}`above_by_category_visual`; below it
# {glue:text}`below_by_category_visual`.

# %%
views.category_table(
    measured,
    caption="Three floors by category, corrected test file, with 95 % "
    "intervals over clips; encoder: mean over seeds.",
)

# %% [markdown]
# ## Paper and us
#
# The verdict is computed: *below* or *above* only where the two 95 % intervals do not overlap. The
# answers behind the paper's rows are not published, so theirs is the interval of a fraction of so many
# independent questions; ours redraws clips. Each row is compared on the test file that its cells are
# fractions of, which arithmetic tells ({doc}`07_what_the_tables_can_tell`).

# %%
views.baseline_table(
    stored,
    fit,
    printed,
    caption="Tables 1 and 3, All Avg, beside the floors of the same test file.",
)

# %% [markdown]
# With the audio missing, AVST is printed with {glue:text}`avst` and the paper's method on top of it
# {glue:text}`avst_gain` points higher. {glue:text}`avst_below` of these points lie below what the
# question alone gives; {glue:text}`avst_over` lie above. (The two rows come from two releases of
# the test file; their floors by template are {glue:text}`release_points` points apart.) Both parts
# are real: a deployed network that falls below the floor does lose the first part. But only the
# second cannot be had from the question alone, and modality dropout competes for that one too
# ({doc}`05_ablations`).

# %% [markdown]
# Another control is at hand in the files of MUSIC-AVQA: networks that never needed the missing half, because
# they read the other one only {cite:p}`li2022learning`. The best of those that read picture and question is
# {glue:text}`half_audio`; the paper's method around AVST, audio missing, has {glue:text}`ours_audio`,
# {glue:text}`over_half_audio` points to it. Of those that read sound and question it is
# {glue:text}`half_visual`; the method, picture missing, has {glue:text}`ours_visual`,
# {glue:text}`over_half_visual` points to it. So much, not the gain over AVST without half its input, is
# what one gets for having a network that can read both, and no more than that if Table 1 was made as the
# released program tests, with a trace of the real half ({doc}`14_corrupted_is_not_missing`). (Single
# runs, other networks.)

# %% [markdown]
# ## Does the choice of questions decide?
#
# Two things could make this floor too high or too low: videos that both files ask about, and the file
# it was fitted on. {glue:text}`shared_videos` of {glue:text}`test_videos` test videos are also in the
# validation file. On the {glue:text}`num_new` questions about the others the floor by template is
# {glue:text}`template_new`.

# %%
views.gains_table(
    stored.gains[0],
    caption="What fitting on the training questions about synthetic videos "
    "too changes, corrected test file, 95 % over clips.",
)

# %% [markdown]
# More questions are not better by themselves. The questions about synthetic videos have other common
# answers, and with them the floor by template moves by {glue:text}`synthetic`. The whole training file
# was not at hand. It has about four questions about real videos to one about a synthetic one
# {cite:p}`li2022learning`; its majorities may be a little better or worse than those of the validation
# file, which is drawn like the test file.

# %% [markdown]
# ## The same on questions whose clips are at hand
#
# In the built-in world all three files are there. What does it cost to fit on the validation questions
# instead of the many more training questions?

# %%
data = folders.DataFolder(profiles.world(run.profile, run.data_dir))
questions = {one: data.examples(one) for one in ("train", "val", "test")}
right = {
    one: question_floors.right_tables(questions[one], questions["test"])
    for one in ("train", "val")
}
print({split: len(of) for split, of in questions.items()})

# %%
config = question_reader.ReaderConfig(
    channels=run.channels, max_epochs=run.max_epochs
)
events = question_floors.train_readers(questions["val"], config, run.seeds)
readers = [
    one.reader for one in events if isinstance(one, question_floors.ReaderDone)
]
right["val"][question_floors.ENCODER] = question_floors.right_readers(
    readers, questions["test"]
)

# %%
counts = {
    f"{len(questions[one])} {one} questions": question_floors.floor_rows(
        right[one], questions["test"], seed=run.seed
    )
    for one in ("train", "val")
}
views.floors_table(
    counts,
    caption="Floors of this page's own data folder, measured just now; the "
    f"encoders took at most {run.max_epochs} passes.",
)

# %%
by_template = {one: right[one]["template"].mean() for one in ("train", "val")}
live = 100 * float(by_template["train"])
glue("live_template", live, display=False)
glue("live_cost", 100 * float(by_template["val"]) - live, display=False)

# %% [markdown]
# Here the floor by template is {glue:text}`live_template:.1f` % fitted on the training questions;
# fitting on the validation questions instead changes it by {glue:text}`live_cost:+.1f` points.
# {term}`Bandstand` balances its answers, so its floor is lower than that of MUSIC-AVQA on purpose: more
# room between the question and the clip. With your own files, `avqa floors --fit FILE --test FILE`
# prints the tables of this page.

# %% [markdown]
# ## What cannot be determined
#
# - What the networks of Table 1 were fed in place of the missing half: the paper does not say. Zeros,
#   noise and a training mean give different numbers.
# - Whether the method's own rows were tested with the half really gone: the released program adds noise to
#   the real one ({doc}`14_corrupted_is_not_missing`). If Table 1 did, the gains above measure that as well.
# - Whether those networks lean on the question: their single answers are not published.
# - What the training file's majorities would give: see above.

# %% [markdown]
# ## Try it
#
# :::{exercise}
# :label: exercise-routed
#
# Who knows that the sound is gone can choose, category by category, between a network and the floor.
# Write `routed(network, floor, totals)`: three mappings from category to accuracy, accuracy and number
# of questions; return the fraction of all questions that the better of the two gets right. How much
# does AVST gain with the audio missing? Why is this a little too optimistic?
# :::

# %% [markdown]
# :::{solution-start} exercise-routed
# :class: dropdown
# :::
#
# Too optimistic, because the better one was chosen on the same questions.


# %%
def routed(network, floor, totals):
    """Return the accuracy of the better of two in each category."""
    right = sum(max(network[one], floor[one]) * totals[one] for one in totals)
    return right / sum(totals.values())


verdict = checks.routed(routed)
assert verdict, verdict
avst = next(row for row in printed["audio"] if row.method == "AVST")
of_test = stored.of(fit, avst.test)
rows = {
    row.scope: row
    for row in of_test.rows
    if row.floor == "template" and row.scope in views.CATEGORY_NAMES
}
by_floor = {name: row.accuracy.estimate for name, row in rows.items()}
totals = {name: row.total for name, row in rows.items()}
print(f"AVST or floor: {100 * routed(avst.accuracies, by_floor, totals):.1f} %")
verdict

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Summary
#
# - Without any clip, the most common answer by template is right on {glue:text}`template` of
#   {glue:text}`num_test` test questions of MUSIC-AVQA ({numref}`fig-question-alone`); a trained
#   question encoder reaches {glue:text}`encoder`.
# - Below that with the audio missing: {glue:text}`below_audio`; with the picture missing:
#   {glue:text}`below_visual`.
# - Of the {glue:text}`avst_gain` points between AVST and the paper's method, audio missing,
#   {glue:text}`avst_below` lie below the floor. Beside a network that reads one half only it stands
#   {glue:text}`over_half_audio` points (audio missing) and {glue:text}`over_half_visual` points (picture
#   missing).

# %% [markdown]
# **Limits**: fitted on the validation file. Every floor is a lower bound: another model of the words may
# read a little more out of them. The paper reports single values. The provenance of the stored counts is
# in `book/results/question_floors.json`. **Next**: {doc}`07_what_the_tables_can_tell` reads the printed tables
# digit by digit.
