# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What if a sensor fails in the field?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** microphones and cameras that cut out for seconds, for some questions, for good, and
#   while a network is trained; and a network that says nothing where it is not sure enough.
# - **Belongs to** Fig. 5 and the limitations of {cite:t}`park2024learning`.
# - **Time** at most 30 s on two CPU cores in profile `book`: a small network is trained and calibrated
#   live, methods and seeds are read from stored counts.
# - **Data** {term}`Bandstand`, built once.
# - **Read before** {doc}`04_full_training`; for methods and controls {doc}`05_ablations`.
# :::

# %% tags=["hide-input"]
from dataclasses import replace
from typing import Optional

from myst_nb import glue

from avqa_core import checks, experiments, ledger, losses, presets, profiles
from avqa_core import run_calibration as calibrating
from avqa_core.completion.zeros import ZerosConfig
from avqa_core.data import availability, dataset, folder
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.studies import field_results, sensor_failures
from avqa_core.training import loop

# %% tags=["hide-input"]
from avqa_core.viz import ablation_views, field_guide, field_words, style
from avqa_core.viz import field_views as views

profiles.require_package("0.1")
style.use_style()

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # of everything random in the live part
num_seeds: Optional[int] = None  # stored counts have seeds of their own
device: Optional[str] = None  # auto, cpu or cuda
data_dir: Optional[str] = None  # a data folder; none: the built-in world
out_dir: Optional[str] = None  # where this page may write
size: Optional[str] = None  # tiny, book, full or paper: of the live network
num_steps: Optional[int] = None  # steps of the live network
batch_size: Optional[int] = None  # questions a step
num_questions: Optional[int] = None  # of each split that it answers
results: Optional[str] = None  # profile of the stored results

# %%
run = profiles.resolve(
    "10_sensors_in_the_field",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    size=size,
    num_steps=num_steps,
    batch_size=batch_size,
    num_questions=num_questions,
    results=results,
)
AT_LEAST = 0.8
stored = experiments.stored(run.results, missing_ok=True)
found = field_results.stored(run.results)
for name, said in field_words.words(found, stored, AT_LEAST).items():
    glue(name, said, display=False)
print(run)

# %% [markdown]
# ## The finding first: what seconds without a sensor cost
#
# A microphone may cut out for seconds, at a moment nobody chose. In the figures a number of
# {term}`segments <segment>` in a row, on the horizontal axis, lose their sound; the place is random and
# the same for every method. *Joint* methods trained the backbone on, the others keep it frozen.

# %% mystnb={"figure": {"caption": "Accuracy over the number of segments without sound; the last point is the whole clip. A dot for each seed that is stored; with several, bars: 95 % interval of their mean.", "name": "fig-drops-audio"}, "image": {"alt": "Lines of accuracy in percent over the number of segments without sound, from none to all, one for each method."}}
views.drops_figure(found, "audio")

# %% mystnb={"figure": {"caption": "The same with segments that lose their picture.", "name": "fig-drops-visual"}, "image": {"alt": "Lines of accuracy in percent over the number of segments without picture, from none to all, one for each method."}}
views.drops_figure(found, "visual")

# %% [markdown]
# What the frozen backbone loses:
#
# - fed with zeros, three segments without sound {glue:text}`zeros_audio_three`, without picture
#   {glue:text}`zeros_visual_three`; all of them {glue:text}`zeros_audio_all` and
#   {glue:text}`zeros_visual_all`;
# - with `recommended`, three segments {glue:text}`recommended_audio_three` and
#   {glue:text}`recommended_visual_three`; all of them {glue:text}`recommended_audio_all` and
#   {glue:text}`recommended_visual_all`.
#
# No completer here was ever trained on drops: only whole modalities were taken away. Where a control
# trained alike is ahead of `recommended`, beyond the interval: {glue:text}`behind`.
#
# The networks of this chapter were trained anew, to be counted. Beside the same runs on other pages their
# mean accuracies differ by at most {glue:text}`apart`.

# %% [markdown]
# ## What a network sees when a sensor cuts out
#
# {term}`availability` has an entry for each segment and each sensor. A scenario such as
# `audio_drops(3)` is a function of the seed and the question, so every network meets the same gap.

# %%
for name in ("audio_drops(3)", "visual_drops(5)", "mixed(0.5,0.5)"):
    scenario = availability.Scenario.parse(name)
    seen = scenario.availability([1, 2], 10, run.seed)  # [B, T, 2]
    for row in seen.int():
        audio, visual = ("".join(map(str, one)) for one in row.T.tolist())
        print(f"{name:16s} audio {audio}  visual {visual}")

# %% [markdown]
# ## Fig. 5: a share of the questions misses a modality
#
# As we read it, a share $r$ of the test questions misses one modality, the others nothing; the paper does
# not say how they are drawn. Whoever misses it does so for good, and the rest is as if nothing had happened.
# **Predict**: what shape does accuracy have over $r$?

# %% mystnb={"figure": {"caption": "Fig. 5 a: accuracy over the share of questions without sound. Whoever misses it at a small share misses it at a larger one too.", "name": "fig-field-ratio-audio"}, "image": {"alt": "Straight falling lines of accuracy in percent over the share of questions without sound, one for each method."}}
views.ratio_figure(found, "audio_missing")

# %% mystnb={"figure": {"caption": "Fig. 5 b: the same without picture.", "name": "fig-field-ratio-visual"}, "image": {"alt": "Straight falling lines of accuracy in percent over the share of questions without picture, one for each method."}}
views.ratio_figure(found, "visual_missing")

# %% mystnb={"figure": {"caption": "What the paper does not have: each question misses its sound with this chance, and its picture with this chance too; the last point is the question alone.", "name": "fig-field-ratio-both"}, "image": {"alt": "Falling lines of accuracy in percent over the chance that each modality is missing, one for each method, curved towards the low end."}}
views.ratio_figure(found, "both_missing")

# %% [markdown]
# With each question drawn at random it is a straight line between its two ends, by construction:
#
# $$
# \mathrm{acc}(r) = (1 - r)\,\mathrm{acc}(0) + r\,\mathrm{acc}(1) .
# $$
#
# What leaves the line is only who was drawn, here at most {glue:text}`bend`. So, read like this, a curve of
# Fig. 5 holds no more than two numbers, accuracy with nothing missing and the one in Table 4. The paper's claim in words, *its method loses less as the ratio
# grows*, is one about $\mathrm{acc}(0) - \mathrm{acc}(1)$.

# %%
of_figure = [
    one for one in ledger.ledger(stored) if one.claim.source == "Fig. 5"
]
ablation_views.ledger_table(
    of_figure,
    caption="The claim of Fig. 5, RMM and AVR against a backbone never "
    "trained for absence, by the rule of the ledger.",
)

# %% [markdown]
# Verdict: {glue:text}`figure_5`. For the frozen backbone, the loss with zeros less the loss with
# `recommended`: {glue:text}`less_audio_missing` without sound, {glue:text}`less_visual_missing` without
# picture.
#
# ## Sensors that failed while the training data was recorded
#
# The paper names it as its limitation: training clips have to be complete, because $\mathcal L_{rmmr}$
# (Eq. 3) compares with the absent half's original. Here a share of the training clips lacks one half for
# good, half of them their sound, half their picture. A loss that needs what was never recorded skips those
# rows; every other loss takes them. The {term}`backbone` they start from saw complete clips.

# %% mystnb={"figure": {"caption": "Test accuracy without sound, over the share of training clips that lack one half; trained on jointly from one backbone for each seed.", "name": "fig-training-rate-audio"}, "image": {"alt": "Two lines of accuracy in percent over the share of training clips that lack one half, from 0 to 80 percent, for modality dropout and recommended."}}
views.training_rate_figure(stored, "audio_missing")

# %% mystnb={"figure": {"caption": "The same without picture.", "name": "fig-training-rate-visual"}, "image": {"alt": "Two lines of accuracy in percent without picture over the share of training clips that lack one half, for modality dropout and recommended."}}
views.training_rate_figure(stored, "visual_missing")

# %% [markdown]
# From no gaps to the most, lost with everything present, without sound, without picture:
# `recommended` {glue:text}`gap_recommended_complete`, {glue:text}`gap_recommended_audio_missing`,
# {glue:text}`gap_recommended_visual_missing`; modality dropout
# {glue:text}`gap_modality_dropout_complete`, {glue:text}`gap_modality_dropout_audio_missing`,
# {glue:text}`gap_modality_dropout_visual_missing`.
#
# ## Does a network know when it is right?
#
# A network gives each answer a probability. Among answers that it calls 80 % sure, how many are right?
# One number can mend it: the logits are divided by a {term}`temperature` before the softmax
# {cite:p}`guo2017calibration`,
#
# $$
# p = \mathrm{softmax}(z / t), \qquad
# t = \arg\max_t \sum_i \log p_i[y_i] \ \text{over validation questions.}
# $$
#
# No answer changes. First live, on a network that is trained on this page, on complete clips only.

# %%
data = folder.DataFolder(profiles.world(run.profile, run.data_dir))
train = data.dataset("train", cache=True)
some = {}
for split in ("val", "test"):
    asked = data.examples(split)
    step = max(1, len(asked) // run.num_questions)
    some[split] = dataset.QADataset(
        asked[::step], data.store, data.vocabulary, cache=True
    )
print({"train": len(train)} | {split: len(of) for split, of in some.items()})

# %%
chosen = presets.preset("recommended", run.size)
trainer = loop.Trainer(
    loop.TrainConfig(
        num_steps=run.num_steps,
        batch_size=run.batch_size,
        learning_rate=2e-3,
        schedule="cosine",
        gradient_clip=1.0,
        evaluate_every=0,
        seed=run.seed,
        device=run.device,
    ),
    model=replace(chosen, completer=ZerosConfig(), enhancer=IdentityConfig()),
    objective=losses.ObjectiveConfig(regime="plain"),
    train=train,
)
events = list(trainer.run())
glue("live_seconds", float(trainer.seconds), display=False)

# %%
answers = {
    (split, name): calibrating.answers(
        trainer.model,
        some[split],
        availability.Scenario.parse(name),
        seed=run.seed,
        batch_size=128,
        device=run.device,
    )
    for split in some
    for name in sensor_failures.WHOLE
}
over_all = calibrating.temperature_of(
    [answers["val", name] for name in sensor_failures.WHOLE]
)
own = {
    name: calibrating.temperature_of([answers["val", name]])
    for name in sensor_failures.WHOLE
}
glue("live_over_all", over_all, display=False)
glue("live_complete", own["complete"], display=False)
glue("live_both", own["both_missing"], display=False)

# %% mystnb={"figure": {"caption": "Reliability of this page's network on test questions, in bins of ten per cent: as trained, with one temperature for all scenarios, and with one for each. On the dotted line a network is as often right as it says.", "name": "fig-live-reliability"}, "image": {"alt": "Three panels with how often answers are right over how sure the network is, in percent, one line for each of four scenarios and a dotted diagonal."}}
live = {
    title: {
        name: answers["test", name].binned(temperatures[name])
        for name in sensor_failures.WHOLE
    }
    for title, temperatures in {
        "as trained": dict.fromkeys(own, 1.0),
        "one for all": dict.fromkeys(own, over_all),
        "one for each": own,
    }.items()
}
views.reliability_figure(live)

# %% [markdown]
# After {glue:text}`live_seconds:.0f` s of training the temperature is {glue:text}`live_complete:.2f`
# with both senses, {glue:text}`live_both:.2f` with both missing, and {glue:text}`live_over_all:.2f` fitted
# over all four scenarios. Above 1, a network is surer than it is right. Whoever asks knows which sensor
# failed, so each scenario may have a temperature of its own.
#
# ## The same for methods and seeds
#
# **Predict**: is a temperature that was fitted on complete clips enough when the picture is gone? And
# is one that was fitted over all scenarios good for complete clips?

# %% mystnb={"figure": {"caption": "Reliability over test questions and seeds, stored counts: two frozen backbones and one trained jointly, with a temperature for each scenario.", "name": "fig-reliability"}, "image": {"alt": "A panel for each of three methods, with how often answers are right over how sure the network is, in percent, one line for each of four scenarios near a dotted diagonal."}}
shown = ["plug_in/zeros", "plug_in/recommended", "joint/recommended"]
views.stored_figure(found, shown, "own", views.reliability_figure)

# %%
views.calibration_table(
    found,
    shown,
    caption="Calibration error on test questions, 15 bins: mean over the seeds "
    "that are stored, in brackets the hull of their 95 % intervals over clips.",
)

# %% [markdown]
# Fed with zeros, with both senses there: {glue:text}`error_complete_none` points as trained,
# {glue:text}`error_complete_scenarios` with one temperature for all, {glue:text}`error_complete_own`
# with its own. Without picture: {glue:text}`error_visual_missing_none`,
# {glue:text}`error_visual_missing_complete` with the temperature of complete clips,
# {glue:text}`error_visual_missing_own` with its own.
#
# ## Answer only when at least 80 % sure
#
# Who may say nothing can be right more often. Sort the answers by how sure they are, answer from the
# surest on: {term}`coverage` grows, and with it the share that is wrong. Calibrated, a threshold has a
# meaning before anybody has looked at test answers.

# %% mystnb={"figure": {"caption": "Wrong answers among the answered, over the share that is answered, all stored seeds together; rings: answer only when at least 80 % sure, a temperature for each scenario.", "name": "fig-risk-coverage"}, "image": {"alt": "A panel for each of three methods: rising curves of the percentage wrong over the percentage answered, one for each of four scenarios, each with a ring where answers are at least 80 percent sure."}}
views.stored_figure(
    found,
    shown,
    "own",
    lambda panels: views.risk_coverage_figure(panels, AT_LEAST),
)

# %%
views.stored_figure(
    found,
    shown,
    "own",
    lambda panels: views.abstention_table(
        panels,
        AT_LEAST,
        caption="Answer only when at least 80 % sure, all seeds together.",
    ),
)

# %% [markdown]
# The method with the highest mean accuracy in each scenario, at least {glue:text}`at_least` sure, as
# trained and then calibrated:
#
# - both present: {glue:text}`raw_complete`; {glue:text}`sure_complete`;
# - sound missing: {glue:text}`raw_audio_missing`; {glue:text}`sure_audio_missing`;
# - picture missing: {glue:text}`raw_visual_missing`; {glue:text}`sure_visual_missing`;
# - both missing: {glue:text}`raw_both_missing`; {glue:text}`sure_both_missing`.
#
# For a run of your own, `avqa calibrate --run RUN --data DATA` fits the temperatures and keeps them beside
# the checkpoint; `avqa evaluate` and `avqa ask` then take `--at-least 0.8`, and a doubtful answer is
# marked as one that is not given ({doc}`/book/your_own_data`).

# %% [markdown]
# ## Try it
#
# :::{exercise}
# :label: exercise-threshold
#
# *80 % sure* is a promise of a temperature. A threshold can also be fitted to what was right. Write
# `lowest_threshold(confidence, is_correct, accuracy)`: the lowest confidence such that the answers from
# there on are right often enough; `None` if there is none. Fit it on this page's validation questions
# without sound, for half of the answers right. Does it hold on the test questions?
# :::

# %% [markdown]
# :::{solution-start} exercise-threshold
# :class: dropdown
# :::
#
# The share of right answers need not fall as more are answered: look at all of them.


# %%
def lowest_threshold(confidence, is_correct, accuracy):
    """Return the lowest threshold that is right often enough, None without one."""
    best, right = None, 0
    surest = sorted(zip(confidence, is_correct, strict=True), reverse=True)
    for number, (sure, is_right) in enumerate(surest, start=1):
        right += is_right
        if right >= accuracy * number:
            best = sure
    return best


verdict = checks.lowest_threshold(lowest_threshold)
assert verdict, verdict
on_val, on_test = (answers[split, "audio_missing"] for split in some)
threshold = lowest_threshold(on_val.confidence(1.0), on_val.is_correct, 0.5)
if threshold is not None:
    given, right = on_test.binned(1.0).answered_at(threshold)
    print(f"{threshold:.2f}: {right.correct} of {given.correct} right")
verdict

# %% [markdown]
# :::{solution-end}
# :::
#
# ## A guide for whoever has to decide
#
# Each line follows from the stored numbers by a rule. Methods, and ways to fit a temperature, are compared:
# the one with the best mean is advised, and every other is named beside it, unless the 95 % interval of
# the lead, paired by seed, lies above zero. Each pair is judged on its own; one seed has no interval and
# gives no verdict. The last four lines do not compare: of the method with the highest mean they ask
# whether its sure answers are right as often as they promise.

# %% [markdown]
# Steps of training stand behind each method, too: a frozen backbone's parts learned for longer than networks
# that were trained on as a whole.
#
# It is a guide for this world and no other.

# %%
field_guide.guide_table(
    found,
    stored,
    AT_LEAST,
    caption="What to do when a sensor fails. Leads are paired by seed: more right, "
    "less lost or a smaller calibration error.",
)

# %% [markdown]
# ## Summary
#
# - Three segments without sound cost a frozen backbone {glue:text}`zeros_audio_three` with
#   zeros, {glue:text}`recommended_audio_three` with `recommended`; the whole sound
#   {glue:text}`zeros_audio_all` and {glue:text}`recommended_audio_all`.
# - Segments that drop, a control ahead of `recommended`: {glue:text}`behind`.
# - If each question misses a modality at random, accuracy over the ratio is a straight line; the claim of
#   Fig. 5 is about its ends: {glue:text}`figure_5`.
# - Lost without sound by `recommended` if training clips have gaps:
#   {glue:text}`gap_recommended_audio_missing`.
# - At least {glue:text}`at_least` sure without sound: {glue:text}`sure_audio_missing`.
#
# **Limits**: one built-in world, gaps at random places and never two of them, one temperature a
# scenario for all questions, a live network that is hardly trained. {glue:text}`counted`.
#
# **Next**: {doc}`11_add_your_own`.
