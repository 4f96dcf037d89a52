# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Where can recall help?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** the method of this book beside every control that we could think of, in four settings;
#   where it wins, where it does not, and what that says of recall.
# - **Belongs to** no table of {cite:t}`park2024learning`: these are the questions that the paper does not ask.
# - **Time** at most 30 s on two CPU cores, in every profile: the runs are stored, with their
#   provenance.
# - **Data** {term}`Bandstand`, already seen by the stored runs.
# - **Read before** {doc}`05_ablations`.
# :::

# %% tags=["hide-input"]
from typing import Optional

from myst_nb import glue

from avqa_core import checks, experiments, ledger, profiles
from avqa_core.experiments import planning
from avqa_core.viz import ablation_views as views
from avqa_core.viz import coupling_views, recall_words, style

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
    "13_where_recall_helps",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    results=results,
)
stored = experiments.stored(run.results, missing_ok=True)
for name, said in recall_words.words(stored).items():
    glue(name, said, display=False)
print(f"{len(stored)} stored runs of profile {run.results}, {stored.date}")

# %% [markdown]
# ## The finding first: frozen, and trained on
#
# Below, on one backbone a seed, AVST with the reader: first four ways to fill in for the absent half while
# the backbone is frozen, then the same backbone trained on with halves missing, without and with recall.

# %% mystnb={"figure": {"caption": "Above, ways to fill in for a frozen backbone; below, the same backbone trained on, without recall and with it. Dots: seeds; bars: 95 % interval.", "name": "fig-frozen-and-trained"}, "image": {"alt": "Three panels, for both present, audio missing and visual missing. One row each for zeros, one learned vector, RMM as printed and recommended on a frozen backbone, and for modality dropout, a wider one, and recommended, trained on; accuracy in percent with seeds as dots, between a shaded floor and a shaded area beyond the ceiling."}}
frozen = ("zeros", "slot_mean", "rmm", "recommended")
trained = ("modality_dropout", "modality_dropout_wide", "recommended")
views.comparison_figure(
    stored,
    [
        *(f"plug_in/{one}" for one in frozen),
        *(f"joint/{one}" for one in trained),
    ],
)

# %% [markdown]
# Without sound, {glue:text}`lead_audio_missing`; without picture, {glue:text}`lead_visual_missing`. Trained
# on, `recommended` stands {glue:text}`joint_recommended_audio_missing` and
# {glue:text}`joint_recommended_visual_missing` beside modality dropout of equal size.

# %% [markdown]
# ## The hypothesis, and what became of it
#
# A {term}`pseudo feature` is a function of what is present; to a backbone that may learn, it brings no
# new information. So {doc}`04_full_training` expects gains where that argument does not bind:
#
# - a frozen backbone, over all controls: {glue:text}`hypothesis_frozen`;
# - few labels, over modality dropout: {glue:text}`hypothesis_few_labels`;
# - more at high {term}`coupling`, over one learned vector: {glue:text}`hypothesis_coupling`;
#
# and no lead over modality dropout. That there is one all the same,
#
# - trained jointly: {glue:text}`hypothesis_joint`;
# - in another world, at coupling 1: {glue:text}`hypothesis_coupled_dropout`.
#
# (Each without sound and without picture, in one word where both agree.) The first line is about controls of
# hardly any parameters; [further below](#what-recall-adds-itself) a network of equal size without the recall
# loss takes their place.

# %% [markdown]
# ## A frozen backbone
#
# Levels do not compare with Table 4: the backbone is another. The least a recall has to beat is a single
# learned vector that never saw the clip.

# %%
plug_in = (
    "zeros",
    "slot_mean",
    "retrieval",
    "retrieval_without_question",
    "retrieval_large_bank",
    "retrieval_without_question_large_bank",
    "rmm",
    "rmm_released_code",
    "rmm_renormalised",
    "recommended",
)
views.comparison_table(
    stored,
    [f"plug_in/{one}" for one in plug_in],
    control="plug_in/slot_mean",
    caption="Frozen backbone, trained on complete clips; only completer and "
    "enhancer learn, for equal steps. Retrieval looks into a bank of 512 clips, "
    "or of all, with one question each, nearly always the same: by clip alone "
    "is the fairer form. Rows of all clips have backbones of the same seeds "
    "that another processor trained. Points over the learned vector.",
)

# %% [markdown]
# Against the learned vector, recall as printed is at {glue:text}`plug_in_rmm_audio_missing` with the
# audio missing; renormalised, {glue:text}`plug_in_rmm_renormalised_audio_missing`;
# `recommended`, {glue:text}`plug_in_recommended_audio_missing`. With the picture missing:
# {glue:text}`plug_in_rmm_visual_missing`; {glue:text}`plug_in_rmm_renormalised_visual_missing`;
# {glue:text}`plug_in_recommended_visual_missing`. Against all controls in the table: without sound,
# {glue:text}`lead_audio_missing`; without picture, {glue:text}`lead_visual_missing`.

# %% [markdown]
# ## Trained jointly: the control has to be as large
#
# A method that adds a network also adds parameters. So there are three controls here: dropout of
# modalities; the same with a backbone *widened* to as many parameters as `recommended` has in all;
# and `recommended`'s own network trained by the answers alone, so that what it puts in place of the
# absent half need not resemble it. A fourth, dropout trained for as many steps as a plug-in, stands beside
# the frozen backbone: whoever may train it again would not stop early.

# %%
joint = (
    "modality_dropout",
    "modality_dropout_wide",
    "modality_dropout_adapter",
    "recommended",
    "modality_dropout_longer",
)
views.comparison_table(
    stored,
    [f"joint/{one}" for one in joint],
    control="joint/modality_dropout_wide",
    caption="Backbone and all trained on, but for the last line for equal steps, "
    "from one checkpoint for each seed; the wider control has a wider checkpoint of its own, and points "
    "are over it.",
)

# %% [markdown]
# `recommended` over the control of equal size: {glue:text}`joint_recommended_audio_missing` without
# sound, {glue:text}`joint_recommended_visual_missing` without picture, {glue:text}`joint_complete` with
# nothing missing. Its network without recall loss:
# {glue:text}`joint_network_audio_missing` and {glue:text}`joint_network_visual_missing` beside the wider
# backbone; the recall loss adds {glue:text}`joint_recall_audio_missing` and
# {glue:text}`joint_recall_visual_missing`.
#
# `recommended` beside the *frozen* backbone, over dropout for as many steps:
# {glue:text}`frozen_over_longer_audio_missing` and {glue:text}`frozen_over_longer_visual_missing`.

# %% [markdown]
# ## Few labels, many clips
#
# The recall loss needs no answer. The backbone has learned from complete clips and all answers. Now
# halves go missing, and only {glue:text}`labelled_share` of the questions tell their answer: labels are
# few for *coping with absence*, not for everything. Who trains on with so few forgets; one control goes
# on at a tenth of the rate. `recommended` weighs recall {glue:text}`recall_weight` times the answer loss
# here and {glue:text}`recall_weight_elsewhere` times in the other groups, its controls once, which was not
# tuned. The former and the steps were chosen after a look at test figures of one seed, the latter on
# validation clips of one.

# %%
few_labels = (
    "modality_dropout",
    "modality_dropout_wide",
    "modality_dropout_gentle",
    "slot_mean",
    "rmm",
    "rmm_renormalised",
    "recommended_answers_only",
    "recommended",
)
untrained = planning.UNTRAINED  # no label
views.comparison_table(
    stored,
    [
        *(f"plug_in/{one}" for one in untrained),
        *(f"few_labels/{one}" for one in few_labels),
    ],
    control="few_labels/modality_dropout_wide",
    caption="Few labelled questions: plug-ins keep the backbone frozen, modality "
    "dropout trains it on. Points over the control of equal size.",
)

# %% [markdown]
# What is it that helps `recommended` here: its network, or what the recall loss learns from clips without
# answers? With the loss over without it: {glue:text}`few_labels_recall_audio_missing` without sound, {glue:text}`few_labels_recall_visual_missing` without picture.
#
# ## More or less to recall: the coupling of the world
#
# At {term}`coupling` 0 sight says nothing about sound: whatever a method gained there would not be
# recall. At 1 a perfect observer answers {glue:text}`coupling_ceiling_audio_missing` without sound and
# {glue:text}`coupling_ceiling_visual_missing` without picture. Each point is a world of its own, with
# its own backbone of {glue:text}`coupling_steps` steps, plug-ins of {glue:text}`coupling_plug_in_steps`,
# floor and ceiling: compare within a coupling. With nothing missing the backbones answer
# {glue:text}`coupling_0_complete`, {glue:text}`coupling_50_complete` and {glue:text}`coupling_100_complete`.

# %% mystnb={"figure": {"caption": "Three worlds: what each method makes of the half that is left, as sight tells more about sound. Bars: 95 % interval over seeds.", "name": "fig-by-coupling"}, "image": {"alt": "Two panels, audio missing and visual missing: lines of accuracy in percent over the coupling of the world, 0, one half and 1, one for each method, between floor and ceiling."}}
coupling_views.coupling_figure(stored)

# %% [markdown]
# What `recommended` gains, and over what:
#
# | missing, over | coupling 0 | coupling 0.5 | coupling 1 |
# |---|---|---|---|
# | audio, slot mean | {glue:text}`coupling_0_over_slot_mean_audio_missing` | {glue:text}`coupling_50_over_slot_mean_audio_missing` | {glue:text}`coupling_100_over_slot_mean_audio_missing` |
# | audio, itself without recall loss | {glue:text}`coupling_0_over_recommended_answers_only_audio_missing` | {glue:text}`coupling_50_over_recommended_answers_only_audio_missing` | {glue:text}`coupling_100_over_recommended_answers_only_audio_missing` |
# | audio, modality dropout | {glue:text}`coupling_0_over_modality_dropout_audio_missing` | {glue:text}`coupling_50_over_modality_dropout_audio_missing` | {glue:text}`coupling_100_over_modality_dropout_audio_missing` |
# | visual, slot mean | {glue:text}`coupling_0_over_slot_mean_visual_missing` | {glue:text}`coupling_50_over_slot_mean_visual_missing` | {glue:text}`coupling_100_over_slot_mean_visual_missing` |
# | visual, itself without recall loss | {glue:text}`coupling_0_over_recommended_answers_only_visual_missing` | {glue:text}`coupling_50_over_recommended_answers_only_visual_missing` | {glue:text}`coupling_100_over_recommended_answers_only_visual_missing` |
# | visual, modality dropout | {glue:text}`coupling_0_over_modality_dropout_visual_missing` | {glue:text}`coupling_50_over_modality_dropout_visual_missing` | {glue:text}`coupling_100_over_modality_dropout_visual_missing` |
#
# Its gain over one learned vector at coupling 1, less that at coupling 0:
# {glue:text}`coupling_gains_audio_missing` without sound, {glue:text}`coupling_gains_visual_missing`
# without picture.

# %% [markdown]
# (what-recall-adds-itself)=
# ## What we tried for `recommended`
#
# A small transformer over segments sees the present half and the question, and predicts the absent
# half. Which of its two losses does it need? Equal steps on one frozen backbone; RMM renormalised beside.

# %%
tried = (
    "rmm_renormalised",
    "recommended_recall_only",
    "recommended_answers_only",
    "recommended",
)
views.comparison_table(
    stored,
    [f"plug_in/{one}" for one in tried],
    control="plug_in/recommended",
    caption="Variants on a frozen backbone. Points over recommended: what is "
    "below zero with its whole interval is worse.",
)

# %% [markdown]
# Recall alone, without any answer, over both losses: {glue:text}`recall_only_audio_missing` without
# sound, {glue:text}`recall_only_visual_missing` without picture. Answers alone:
# {glue:text}`answers_only_audio_missing` and {glue:text}`answers_only_visual_missing`. That much of the lead over
# the controls is recall; the rest is what a network of this size learns from answers.
#
# ## The ledger of these questions
#
# By the rule of {doc}`05_ablations`.

# %%
entries = recall_words.entries(ledger.ledger(stored))
views.ledger_table(
    entries,
    caption="Questions about recall and its controls; differences in points, "
    "of several the one that decides.",
)

# %% [markdown]
# ## Try it
#
# :::{exercise}
# :label: exercise-gained-more
#
# Does a method gain *more* in one world than in another? Write `gained_more(high, low)`: both map a seed
# to a pair of accuracies, of the method and of its control in that world; return the mean difference of the
# two gains, over the seeds that both have. Why are the gains taken within a seed first?
# :::

# %% [markdown]
# :::{solution-start} exercise-gained-more
# :class: dropdown
# :::
#
# Method and control of one seed start from one backbone: what that backbone is worth cancels.


# %%
def gained_more(high: dict, low: dict) -> float:
    """Return how much larger the gains of ``high`` are, over the seeds that both have."""
    shared = high.keys() & low.keys()
    gains = [
        (high[one][0] - high[one][1]) - (low[one][0] - low[one][1])
        for one in shared
    ]
    return sum(gains) / len(gains)


print(checks.gained_more(gained_more))

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Summary
#
# - Frozen backbone, without sound: {glue:text}`lead_audio_missing`; without picture:
#   {glue:text}`lead_visual_missing`.
# - Trained jointly, `recommended` over the control of equal size:
#   {glue:text}`joint_recommended_audio_missing` and {glue:text}`joint_recommended_visual_missing`.
# - Few labels, likewise: {glue:text}`few_labels_audio_missing` and {glue:text}`few_labels_visual_missing`.
# - Of these questions: {glue:text}`verdicts`.

# %% [markdown]
# ## Limits
#
# One built-in world, one backbone, small networks. RMM *and* AVR were not run on this backbone, neither
# plugged in nor jointly. Reader and world were chosen while looking at test clips
# that are in no split any more. A question without either half weighs about ten times too much in the recall
# loss of these groups, for all methods alike; to be mended when they are made anew. Labels are few only in
# the second stage: the backbone had learned from all of them.
#
# **Next**: {doc}`10_sensors_in_the_field` asks what to do with such a network when sensors fail.
