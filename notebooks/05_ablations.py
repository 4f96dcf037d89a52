# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which part does the work?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** every part of the paper's method switched on and off, each beside the control that
#   says how much of its gain it can claim; and a ledger of what the paper says and what holds here.
# - **Belongs to** Sec. 4, Tables 1, 4, 5, 6 and Fig. 5 of {cite:t}`park2024learning`.
# - **Time** at most 30 s on two CPU cores, in every profile: the runs are stored, with their
#   provenance. The {glue:text}`num_runs` stored runs took {glue:text}`cpu_minutes` of one core.
# - **Data** {term}`Bandstand`, already seen by the stored runs.
# - **Read before** {doc}`04_full_training`.
# :::

# %% tags=["hide-input"]
from typing import Optional

from myst_nb import glue

from avqa_core import checks, experiments, ledger, profiles
from avqa_core.experiments import paper_tables
from avqa_core.viz import ablation_views as views
from avqa_core.viz import ablation_words, style

profiles.require_package("0.1")
style.use_style()

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # stored results have seeds of their own
num_seeds: Optional[int] = None  # likewise
device: Optional[str] = None  # auto, cpu or cuda
data_dir: Optional[str] = None  # a data folder; none: the built-in world
out_dir: Optional[str] = None  # where this page may write
results: Optional[str] = None  # profile of the stored results

# %%
run = profiles.resolve(
    "05_ablations",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    results=results,
)
stored = experiments.stored(run.results, missing_ok=True)
for name, said in ablation_words.words(stored).items():
    glue(name, said, display=False)
print(f"{len(stored)} stored runs of profile {run.results}, {stored.date}")

# %% [markdown]
# ## The finding first: each part beside its control
#
# As far as the paper tells, it compares with a backbone that was never trained for absence; what that was
# fed in place of the missing half it does not say, here it is zeros. Whoever trains *anything* with a
# modality cut off also trains for absence. So the {term}`control` here is the same backbone, trained with
# modalities cut off and zeros in their place: what does a part add to that?

# %% mystnb={"figure": {"caption": "The paper's Table 4 on Bandstand, with a control it does not have: the backbone trained with modalities cut off, and nothing to recall them. All but the first row take equal steps from one checkpoint for each seed. Dots: seeds; bars: 95 % interval.", "name": "fig-table-4"}, "image": {"alt": "Three panels, for both present, audio missing and visual missing. One row each for never trained for absence, RMM, AVR alone, RMM with AVR, and modality dropout; accuracy in percent with seeds as dots, between a shaded floor and a shaded area beyond the ceiling."}}
table_4 = [f"table4/{one}" for one in ("none", "rmm", "avr", "paper")]
both, control = ablation_words.BOTH, ablation_words.CONTROL
views.comparison_figure(stored, [*table_4, control])

# %% [markdown]
# With the audio missing (and with the picture missing):
#
# - RMM and AVR over no training for absence: {glue:text}`lift_audio_missing`
#   ({glue:text}`lift_visual_missing`);
# - the control over no training for absence: {glue:text}`control_lift_audio_missing`
#   ({glue:text}`control_lift_visual_missing`);
# - RMM and AVR over the control: {glue:text}`over_control_audio_missing`
#   ({glue:text}`over_control_visual_missing`);
# - AVR on top of RMM: {glue:text}`avr_adds_audio_missing` ({glue:text}`avr_adds_visual_missing`).
#
# **Mind the length**: after the backbone every row here learns for {glue:text}`joint_steps` steps, because
# the sampler of AVR is dear. After {glue:text}`joint_steps_longer`, with a chain of one step, which is
# cheap, RMM and AVR over no training for absence: {glue:text}`avr_longer_lift_audio_missing`
# ({glue:text}`avr_longer_lift_visual_missing`). So what the short runs say of that claim is said of short
# runs; whether AVR *adds* something is another claim, below.

# %% [markdown]
# ## Table 4 in numbers
#
# In the regime `joint`, Eq. 8 trains everything together:
#
# $$
# \mathcal L = \mathcal L_{avqa} + \lambda_1 \mathcal L_{rmmr} + \lambda_2 \mathcal L_{ave},
# \qquad \lambda_1 = \lambda_2 = 1 .
# $$
#
# Where the paper has AVR without RMM, it does not say what AVR is fed with; here it is noise with the
# scale of the training features. All AVR rows are the preset `paper`, linear schedule, noise as target,
# and have a {term}`light denoiser`; with the paper's U-Net a step costs many times as much, and `make results`
# trains it only when asked (`unet`). The paper's row without both was scored on another release of the test file
# than its others: its gains mix two test sets.

# %%
views.comparison_table(
    stored,
    [*table_4, control],
    control=control,
    paper=True,
    caption="Table 4: test accuracy, mean over seeds, ▲ best. Points over the "
    "control are paired by seed.",
)

# %% [markdown]
# ## What AVR does to the half that was there
#
# Eq. 8 feeds *both* enhanced halves on; the introduction of the paper and the released program feed only
# the one that was missing. The ledger judges Eq. 8. There the half that was never missing is mixed with the
# other into half as many channels, walks the chain, and is split. **Hypothesis**: this is what AVR costs. If so,
#
# 1. a trained model answers better when AVR is taken away at the test;
# 2. AVR that changes the missing half alone is better;
# 3. comparing enhanced with real halves helps.

# %% [markdown]
# **Rival**: it costs because the runs are short. If so,
#
# 4. more steps of training help AVR by more than they help RMM.
#
# **Predict**: which? All start where Table 4 does; some walk the chain in a single step, which is cheap.

# %%
trials = ("taken_away", "missing_only", "one_step", "one_step_reconstruction")
longer = (
    "one_step_longer",
    "one_step_missing_only_longer",
    "rmm_longer",
    "modality_dropout_longer",
)
changed = [f"avr/{one}" for one in (*trials, *longer)]
views.comparison_table(
    stored,
    ["table4/none", "table4/rmm", "table4/paper", *changed],
    control="table4/rmm",
    caption="RMM and AVR with one thing changed in each row. Points over RMM "
    "without AVR; mind the steps.",
)

# %% [markdown]
# Audio missing (picture missing); one step of the chain over all: {glue:text}`avr_one_step_audio_missing`
# ({glue:text}`avr_one_step_visual_missing`).
#
# 1. AVR taken away: {glue:text}`avr_taken_away_audio_missing`
#    ({glue:text}`avr_taken_away_visual_missing`).
# 2. Missing half alone over both: {glue:text}`avr_missing_only_audio_missing`
#    ({glue:text}`avr_missing_only_visual_missing`); over RMM:
#    {glue:text}`avr_missing_only_over_rmm_audio_missing`
#    ({glue:text}`avr_missing_only_over_rmm_visual_missing`); over plain AVST:
#    {glue:text}`avr_missing_only_lift_audio_missing`
#    ({glue:text}`avr_missing_only_lift_visual_missing`); over the control:
#    {glue:text}`avr_missing_only_over_control_audio_missing`
#    ({glue:text}`avr_missing_only_over_control_visual_missing`).
# 3. Compared over not, one step: {glue:text}`avr_reconstruction_audio_missing`
#    ({glue:text}`avr_reconstruction_visual_missing`).
# 4. Over RMM as long, one step, {glue:text}`joint_steps` steps of training:
#    {glue:text}`avr_short_audio_missing` ({glue:text}`avr_short_visual_missing`);
#    {glue:text}`joint_steps_longer`: {glue:text}`avr_longer_audio_missing`
#    ({glue:text}`avr_longer_visual_missing`). So
#    training longer helps AVR of one step by more than it helps RMM, by
#    {glue:text}`avr_training_audio_missing` ({glue:text}`avr_training_visual_missing`).
#
# **Of the four**, without sound: {glue:text}`avr_predictions_audio_missing`; without picture:
# {glue:text}`avr_predictions_visual_missing`.

# %% [markdown]
# What is left after the longer training:
#
# | trained longer | audio missing | visual missing |
# |---|---|---|
# | RMM, over none | {glue:text}`rmm_longer_lift_audio_missing` | {glue:text}`rmm_longer_lift_visual_missing` |
# | AVR of one step, over none | {glue:text}`avr_longer_lift_audio_missing` | {glue:text}`avr_longer_lift_visual_missing` |
# | AVR of one step, over RMM | {glue:text}`avr_longer_audio_missing` | {glue:text}`avr_longer_visual_missing` |
# | AVR of one step, over dropout | {glue:text}`avr_longer_over_control_audio_missing` | {glue:text}`avr_longer_over_control_visual_missing` |
# | missing half alone, over none | {glue:text}`avr_missing_only_longer_lift_audio_missing` | {glue:text}`avr_missing_only_longer_lift_visual_missing` |
# | missing half alone, over RMM | {glue:text}`avr_missing_only_longer_audio_missing` | {glue:text}`avr_missing_only_longer_visual_missing` |
# | missing half alone, over dropout | {glue:text}`avr_missing_only_longer_over_control_audio_missing` | {glue:text}`avr_missing_only_longer_over_control_visual_missing` |
#
# The missing half alone: of one step too. The whole chain for as long, on both halves, was not run: the
# ledger below says so.

# %% [markdown]
# ## Nothing missing: how close to the ceiling
#
# With both senses present a perfect observer knows every answer. AVST as published pools over time and
# place, so it has no order in either. Beside that path the backbone of `recommended` has a reader: single
# words ask segments of the sound and columns of the picture, with learned positions.

# %%
whole = [
    "complete/plain",
    "complete/positions",
    "table4/paper",
    "joint/recommended",
]
views.category_table(
    stored,
    whole,
    "complete",
    caption="Both senses present: test accuracy by category, mean over seeds.",
)

# %% [markdown]
# Of the ceiling, the backbone of `recommended` reaches {glue:text}`share_recommended` before it is ever
# trained for absence, with {glue:text}`size_recommended` parameters and after
# {glue:text}`steps_recommended` steps. AVST as published, at the same C with {glue:text}`size_paper`
# and after {glue:text}`steps_paper` at a higher rate, reaches {glue:text}`share_paper_no_order` on the questions that
# need no order in time or place, {glue:text}`share_paper` on all. It cannot tell *left* from *right*,
# but can still choose among what is there. An AVST as large as the one with the reader was not run: how
# much of the distance is order and how much is size is open.
#
# How it starts matters too: {doc}`12_how_a_network_starts`.

# %% [markdown]
# ## Table 5: the number of slots
#
# Eq. 2 gives no slot more than $e/(e+L-1)$ ({doc}`02_slot_addressing`): what is read is close to
# the mean of all slots. **Predict**: what does accuracy do between $L = 25$ and $L = 100$?

# %% mystnb={"figure": {"caption": "Table 5: accuracy over the number of slots L, RMM and AVR. Left ours with 95 % intervals over seeds, right the paper's single runs on MUSIC-AVQA; L = 75 is the paper's choice.", "name": "fig-table-5"}, "image": {"alt": "Two panels with accuracy in percent over 25, 50, 75 and 100 slots, a line each for audio missing and visual missing. Left our lines with intervals, right the paper's dotted lines."}}
views.sweep_figure(
    stored, ablation_words.slots(), xlabel="slots L", references={}
)

# %% [markdown]
# The best and the worst number of slots differ by {glue:text}`slots_audio_missing` with the audio
# missing and {glue:text}`slots_visual_missing` with the picture missing. Whether L = 75 differs from the
# others by more than the seeds do is for the ledger below to say.
#
# ## Table 6: the number of diffusion steps
#
# The chain of Eq. 6 starts from the completed pair and makes $K$ steps. More steps cost more: each is
# one pass of the denoiser forward and one back.

# %% mystnb={"figure": {"caption": "Table 6: accuracy over the number of diffusion steps K, RMM and AVR. Left ours with 95 % intervals over seeds, right the paper's single runs on MUSIC-AVQA; K = 10 is the paper's choice.", "name": "fig-table-6"}, "image": {"alt": "Two panels with accuracy in percent over 5, 10 and 20 diffusion steps, a line each for audio missing and visual missing. Left our lines with intervals, right the paper's dotted lines."}}
views.sweep_figure(
    stored,
    ablation_words.steps(),
    xlabel="diffusion steps K",
    references={"RMM": "table4/rmm"},
)

# %% [markdown]
# The best and the worst number of steps differ by {glue:text}`steps_audio_missing` with the audio
# missing and {glue:text}`steps_visual_missing` with the picture missing.
#
# ## Fig. 5: the share that misses a modality
#
# A share $r$ of the test questions misses a modality, the others miss nothing. The paper shows curves
# and gives no values; its claim is in words: its method loses less. Whoever misses a modality at a
# small ratio misses it at a larger one too, so no curve wiggles because other questions were drawn.

# %% mystnb={"figure": {"caption": "Fig. 5 with audio missing: accuracy over the share of questions without audio. Dots: seeds; bars: 95 % interval; dashed: what the question alone gives. *Recommended* stands on AVST with the reader, the others on AVST as published: compare how far a line falls, not where it lies.", "name": "fig-ratio-audio"}, "image": {"alt": "Lines of accuracy in percent over the share of questions without audio, from 0 to 100 percent, for four methods. A dashed line marks the floor."}}
shown = [ablation_words.NOTHING, control, both, "joint/recommended"]
views.ratio_figure(stored, shown, "audio_missing", paper_tables.RATIOS)

# %% mystnb={"figure": {"caption": "Fig. 5 with the picture missing, drawn as before.", "name": "fig-ratio-visual"}, "image": {"alt": "Lines of accuracy in percent over the share of questions without picture, from 0 to 100 percent, for the same four methods."}}
views.ratio_figure(stored, shown, "visual_missing", paper_tables.RATIOS)

# %% [markdown]
# ## Paper and us: the ledger
#
# Each claim is a difference between runs. It *holds here* if the whole 95 % interval of every
# difference lies above zero, it is *contradicted here* if any difference lies wholly below zero; where a
# claim makes several, that interval is widened (Bonferroni), but for a difference that is also a claim of
# its own: it is judged as there. Otherwise the runs are *not told apart*. Three seeds may agree by chance:
# their deviation is taken to be at least the lower quartile of all differences', {glue:text}`least_spread`.
# *Here* means after {glue:text}`joint_steps` steps in joint training, unless a claim says *longer*.
#
# Were nothing different, about {glue:text}`by_chance` of {glue:text}`num_judged` judged claims would
# still get a verdict.

# %%
entries = ledger.ledger(stored)
of_paper = ablation_words.of_paper(entries)
views.ledger_table(
    of_paper,
    caption="Claims of Park et al. (2024), Sec. 4. Differences in points; of "
    "several, the one that decides. The paper reports single runs.",
)

# %% [markdown]
# The paper does not ask whether its gain is more than a control's. These are the questions that a
# reader of the table above would ask next; those about recall are in {doc}`13_where_recall_helps`.

# %%
of_controls = ablation_words.about_avr(entries)
views.ledger_table(
    of_controls,
    caption="Questions about controls, judged by the same rule.",
)

# %% [markdown]
# ## Try it
#
# :::{exercise}
# :label: exercise-paired
#
# Two methods were run with several seeds, not all of them the same. Write `paired_gain(ours,
# control)`: both map a seed to an accuracy; return the mean difference over the seeds that both have.
# Why is this sharper than the difference of the two means?
# :::

# %% [markdown]
# :::{solution-start} exercise-paired
# :class: dropdown
# :::
#
# A seed that makes the shared backbone better lifts both sides; in the difference it cancels.


# %%
def paired_gain(ours: dict, control: dict) -> float:
    """Return the mean difference over the seeds that both have."""
    shared = ours.keys() & control.keys()
    return sum(ours[one] - control[one] for one in shared) / len(shared)


print(checks.paired_gain(paired_gain))

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Summary
#
# - Of {glue:text}`num_claims` claims of the paper: {glue:text}`verdicts_paper`.
# - RMM and AVR over no training for absence, audio missing: {glue:text}`lift_audio_missing`;
#   over the control, {glue:text}`over_control_audio_missing`. Trained longer, with a chain of one step,
#   over none {glue:text}`avr_longer_lift_audio_missing`, over RMM alone {glue:text}`avr_longer_audio_missing`.
# - Questions about RMM, AVR and their controls: {glue:text}`verdicts_controls`.

# %% [markdown]
# ## Limits
#
# One built-in world, two backbones, small networks, AVR with a light denoiser and few steps of training.
# The world was chosen while looking at test clips that are in no split any more.
# Levels do not compare with MUSIC-AVQA; a sign says what a method can do, not what it does on real
# recordings. With few seeds *not told apart* is not *equal*. `avqa results --list` names every run.
#
# **Next**: {doc}`13_where_recall_helps` puts the method of this book beside its own controls.
