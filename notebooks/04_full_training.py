# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Does the answer survive when a sense fails?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** a network learn to answer with picture and sound, then a second one learn to fill
#   in what is missing while the first stays frozen; and you will mute clips yourself.
# - **Belongs to** Sec. 4, Table 1 of {cite:t}`park2024learning`, and Eq. 8.
# - **Time** at most 5 min on two CPU cores in profile `book`; on a GPU, profile `full`, up to two hours.
# - **Data** {term}`Bandstand`, built once.
# - **Read before** {doc}`01_bandstand`; for slots and diffusion {doc}`02_slot_addressing` and
#   {doc}`03_avr_diffusion`.
# :::

# %% tags=["hide-input"]
from dataclasses import replace
from typing import Optional

import numpy as np
import torch
from myst_nb import glue

from avqa_core import (
    bounds,
    checks,
    comparison,
    config,
    evaluation,
    experiments,
    losses,
    presets,
    profiles,
    rng,
)

# %% tags=["hide-input"]
from avqa_core.completion.zeros import ZerosConfig
from avqa_core.data import availability, dataset, folder
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.training import loop, starting
from avqa_core.viz import (
    gains_table,
    live,
    main_results,
    points,
    report_views,
    results,
    style,
)

profiles.require_package("0.1")
style.use_style()

# %% [markdown]
# ## The finding first, over several seeds
#
# Runs over several seeds take longer than a page may: the figure reads **stored results**, made by
# `make results`, with their provenance. Everything below it is trained live, with one seed.

# %% mystnb={"figure": {"caption": "Test accuracy on Bandstand with a frozen backbone that was trained on complete clips; what is absent is filled in by the method of the row. Dots: seeds; bars: 95 % interval of the mean; grey: what the question alone gives; beige: beyond any observer of what is present.", "name": "fig-finding"}, "image": {"alt": "One panel for each scenario, one row for each method, accuracy in percent along the horizontal axis. Each row has a dot for every seed and a bar for the interval, between a shaded floor on the left and a shaded area beyond the ceiling on the right."}}
stored = experiments.stored("book", missing_ok=True)
for scenario in ("audio_missing", "visual_missing"):
    said = main_results.lead_sentence(stored, scenario)
    glue(f"lead_{scenario}", said, display=False)
glue("stored_length", main_results.length_sentence(stored), display=False)
main_results.main_figure(stored)

# %% [markdown]
# Read each panel from its grey edge, the {term}`floor`, to its beige one, the {term}`ceiling`: only
# what lies between is there to be won. With the audio missing, {glue:text}`lead_audio_missing`. With
# the picture missing, {glue:text}`lead_visual_missing`. The stored runs saw more and took longer than
# the live one: {glue:text}`stored_length`.
#
# ## One run, one set of parameters

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # of everything random in this run
num_seeds: Optional[int] = None  # 1: more seeds come from stored results
device: Optional[str] = None  # auto, cpu or cuda
data_dir: Optional[str] = None  # a data folder; none: the built-in world
out_dir: Optional[str] = None  # where this page may write
size: Optional[str] = None  # tiny, book, full or paper: how large the model is
plain_steps: Optional[int] = None  # steps of the backbone, on complete clips
plug_in_steps: Optional[int] = None  # steps of the completer
slots_steps: Optional[int] = None  # steps of the paper's form, for the panel
batch_size: Optional[int] = None  # questions a step
num_validation: Optional[int] = None  # questions that the curves are drawn from

# %%
run = profiles.resolve(
    "04_full_training",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    size=size,
    plain_steps=plain_steps,
    plug_in_steps=plug_in_steps,
    slots_steps=slots_steps,
    batch_size=batch_size,
    num_validation=num_validation,
)
print(run)

# %% [markdown]
# ## The data, and the two lines every curve lies between
#
# Questions and features come from one folder. The floor is a look-up table of questions fitted on
# the training split; the ceiling is computed from the generator of the world.

# %%
data = folder.DataFolder(profiles.world(run.profile, run.data_dir))
train = data.dataset("train", cache=True)
test = data.dataset("test", cache=True)
held_back = data.examples("val")
some = held_back[:: max(1, len(held_back) // run.num_validation)]
validation = dataset.QADataset(some, data.store, data.vocabulary, cache=True)
floors = bounds.floors(data, "test")
floor = float(np.mean([floors[str(one.category)] for one in test.examples]))
batch = train.batch([0, 1])
for name in ("audio", "visual", "tokens", "availability"):
    print(f"{name:12s} {list(getattr(batch, name).shape)}")
print(f"questions: {len(train)} to train on, {len(test)} to test with")

# %% [markdown]
# ## A deployed model that cannot be trained again
#
# A {term}`backbone` was trained on complete clips (**plain**, the first term of Eq. 8 alone), and then a
# microphone fails. In the regime {term}`plug-in` it is frozen; a {term}`completer` learns to feed it,
# here that of {term}`recommended`, a small transformer over the segments. The {term}`control` feeds zeros.
#
# :::{admonition} Hypothesis: where can recall help at all?
# :class: important
#
# A {term}`pseudo feature` is a function of what is present: to a backbone that may learn, it brings
# nothing new, only an easier route. So expect little over {term}`modality dropout` where all parts
# learn ({term}`joint`), and gains with a frozen backbone or few labels, most at high {term}`coupling`.
# {doc}`13_where_recall_helps` tests it.
# :::

# %%
chosen = presets.preset("recommended", run.size)
alone = replace(chosen, completer=ZerosConfig(), enhancer=IdentityConfig())


def settings(num_steps: int) -> loop.TrainConfig:
    """Return the same recipe for every stage; only its length differs."""
    return loop.TrainConfig(
        num_steps=num_steps,
        batch_size=run.batch_size,
        learning_rate=1e-3,
        weight_decay=0.01,
        schedule="cosine",
        warmup_steps=num_steps // 20,
        gradient_clip=1.0,
        evaluate_every=max(1, num_steps // 6),
        seed=run.seed,
        device=run.device,
    )


# %% [markdown]
# ## Stage 1: both senses present
#
# $$
# \mathcal L_{\text{plain}} = \mathrm{CE}(f^a, f^v, f^t)
# $$
#
# The published AVST adds a matching loss {cite:p}`li2022learning`, which `recommended` leaves out. The
# trainer is a generator of events; `watch` hands them on and draws. **Predict**: while accuracy with
# both senses climbs, what happens to accuracy with the audio cut off?

# %% mystnb={"figure": {"caption": "Stage 1. Above: losses of each step, pale, and their moving average. Below: validation accuracy of the one run; it is trained on complete clips only, and looked at with a modality cut off as well.", "name": "fig-plain"}, "image": {"alt": "Two panels over training steps. Above, falling loss curves by name. Below, three lines of validation accuracy in percent for both present, audio missing and visual missing, above or around a dashed floor."}}
plain = loop.Trainer(
    settings(run.plain_steps),
    model=alone,
    objective=losses.ObjectiveConfig(regime="plain"),
    train=train,
    validation=validation,
)
plain_events = list(live.watch(plain.run(), floor=floor, every_seconds=5))

# %%
last = results.accuracy_curves(plain_events)
for scenario, (_, values) in last.items():
    glue(f"plain_{scenario}", 100 * values[-1], display=False)
glue("plain_seconds", float(plain.seconds), display=False)
glue("plain_questions", run.plain_steps * run.batch_size, display=False)

# %% [markdown]
# After {glue:text}`plain_questions` questions, {glue:text}`plain_seconds:.0f` s of steps, the backbone
# answers {glue:text}`plain_complete:.1f` % of the validation questions with both senses, and fed with
# zeros {glue:text}`plain_audio_missing:.1f` % without audio and {glue:text}`plain_visual_missing:.1f` %
# without picture. Nobody told it that a zero means *absent*.
#
# ## Stage 2: the backbone frozen, the rest learns
#
# $$
# \begin{aligned}
# \mathcal L_{\text{plug-in}} = {}& \mathrm{CE}(\hat f^{a_p}, \hat f^v, f^t)
#   + \mathrm{CE}(\hat f^a, \hat f^{v_p}, f^t) \\
#   & + \lambda_1 \mathcal L_{rmmr} + \lambda_2 \mathcal L_{ave}
# \end{aligned}
# $$
#
# These are the terms of Eq. 8 that see an absent half. Gradients pass *through* the backbone to the
# completer and leave the backbone as it is. One question in ten loses both halves here, which Eq. 8
# does not have: who was never trained for that may answer below the floor. Without an enhancer the
# last term is zero.

# %% mystnb={"figure": {"caption": "Stage 2. Only completer and enhancer learn. Accuracy with both senses cannot move: those rows bypass what is being trained.", "name": "fig-plug-in"}, "image": {"alt": "Two panels over training steps. Above, loss curves by name for audio missing and visual missing, answer and recall terms. Below, validation accuracy in percent: a flat line for both present, and lines for audio missing and visual missing."}}
plugged = loop.Trainer(
    settings(run.plug_in_steps),
    model=chosen,
    objective=losses.ObjectiveConfig(regime="plug_in", both_missing_rate=0.1),
    train=train,
    validation=validation,
    initial=plain.model,
)
plugged_events = list(live.watch(plugged.run(), floor=floor, every_seconds=5))

# %%
before, after = plain.model.backbone, plugged.model.backbone
assert starting.weights_hash(before) == starting.weights_hash(after)
for part in ("backbone", "completer", "enhancer"):
    weights = getattr(plugged.model, part).parameters()
    count = sum(one.numel() for one in weights)
    glue(f"size_{part}", f"{count:,}", display=False)
glue(
    "completer",
    type(chosen.completer).__name__[: -len("Config")],
    display=False,
)
glue("plug_in_seconds", float(plugged.seconds), display=False)

# %% [markdown]
# Bit for bit the backbone is what it was: {glue:text}`size_backbone` numbers, none of them moved. What
# learned for {glue:text}`plug_in_seconds:.0f` s is the completer, here a {glue:text}`completer` with
# {glue:text}`size_completer` numbers, and an enhancer with {glue:text}`size_enhancer`.
#
# ## The table of scenarios
#
# Both models answer every test question four times. Each row has its count, the score interval over
# questions {cite:p}`wilson1927probable`, its floor and its ceiling.

# %%
scenarios = ["complete", "audio_missing", "visual_missing", "both_missing"]
reports = {
    method: evaluation.evaluate(
        trained.model,
        test,
        scenarios,
        seed=run.seed,
        batch_size=128,
        device=run.device,
        floors=floors,
        ceilings=bounds.ceilings(data, "test", scenarios, run.seed),
        keep_answers=True,
    )
    for method, trained in {"zeros": plain, "recommended": plugged}.items()
}
report_views.scenario_table(
    reports,
    caption="Test questions, this run, one seed; ▲ best of the scenario.",
)

# %% [markdown]
# ## What is gained, and for which questions
#
# The difference between two models on the *same* questions is sharper than two intervals side by
# side. Its own interval comes from redrawing whole clips, since questions about one clip are not
# independent.

# %%
gains = {
    scenario: comparison.gain(
        reports["recommended"],
        reports["zeros"],
        scenario,
        generator=np.random.default_rng(rng.derive(run.seed, "gain", scenario)),
    )
    for scenario in ("audio_missing", "visual_missing")
}
for scenario, gain in gains.items():
    glue(f"gain_{scenario}", points.in_points(gain), display=False)
for method, report in reports.items():
    for scenario in scenarios:
        accuracy = 100 * report.accuracy(scenario)
        glue(f"{method}_{scenario}", accuracy, display=False)

# %% [markdown]
# Over zeros, the completer changes accuracy by {glue:text}`gain_audio_missing` points with the audio
# missing and by {glue:text}`gain_visual_missing` with the picture missing (95 % over clips).

# %% mystnb={"figure": {"caption": "Audio missing, by category, this run. Each bar reaches from the floor to the ceiling of its category; where it is short there is nothing to win.", "name": "fig-audio-missing"}, "image": {"alt": "One row for each of nine question categories; a pale bar from floor to ceiling in percent, and on it a mark for zeros and one for the recommended completer."}}
report_views.category_figure(reports, "audio_missing")

# %% mystnb={"figure": {"caption": "Picture missing, by category, this run, drawn as before.", "name": "fig-visual-missing"}, "image": {"alt": "One row for each of nine question categories with the picture missing; a pale bar from floor to ceiling in percent, and on it a mark for zeros and one for the recommended completer."}}
report_views.category_figure(reports, "visual_missing")

# %% [markdown]
# ## Absent means absent
#
# No value of an absent half may reach an answer. Where the audio is absent, we put *not a number*: if
# one got through, the answer would not be a number either.

# %%
row = test.batch(
    range(8), scenario=availability.Scenario.parse("audio_missing")
)
spoiled = replace(row, audio=torch.full_like(row.audio, torch.nan))
model = plugged.model.eval().cpu()
with torch.inference_mode():
    clean, same = (
        model(one, generator=rng.named(run.seed, "leak")).answers.logits
        for one in (row, spoiled)
    )
assert torch.equal(clean, same)
print("the same answers, bit for bit")

# %% [markdown]
# ## Mute it yourself
#
# The panel needs a third model: RMM and AVR, slots and a diffusion chain, plugged into the same
# backbone. It trains for {glue:text}`slots_steps` steps only, on a chain cut short and with the light
# denoiser, enough to show its parts. RMM at equal steps {doc}`13_where_recall_helps` compares; RMM *and* AVR beside a
# frozen backbone was not run at length: the paper trains them with the backbone, as {doc}`05_ablations` does.

# %%
form = replace(presets.preset("paper", run.size), backbone=chosen.backbone)
form = config.override(form, "enhancer.denoiser", "light")
form = config.override(form, "enhancer.diffusion.num_sampling_steps", 2)
paper = loop.Trainer(
    replace(settings(run.slots_steps), evaluate_every=0),
    model=presets.resize(form, presets.SIZES[run.size]),
    objective=losses.ObjectiveConfig(regime="plug_in"),
    train=train,
    initial=plain.model,
)
paper_events = list(paper.run())
glue("slots_steps", run.slots_steps, display=False)

# %% [markdown]
# With a kernel, in JupyterLab (`make lab`), the next cell shows the **live panel**: any clip, any
# question or your own, both toggles, the completer, the number of diffusion steps; and with them the
# answers, the addressing of the slots, what was recalled beside what was there, and the way back
# through the chain.

# %% tags=["remove-output"]
from avqa_core.viz.page_toggles import page_toggles
from avqa_core.viz.panel import TogglePanel
from avqa_core.viz.session import ToggleSession
from avqa_core.viz.session_world import SessionWorld

trained = {"recommended": plugged, "zeros": plain, "paper": paper}
session = ToggleSession(
    {name: one.model.cpu() for name, one in trained.items()},
    SessionWorld.open(data.path, "test", data.vocabulary),
    seed=run.seed,
)
TogglePanel(session)

# %%
asked = session.world.examples[:20]
for method in session.models:
    session.answer(asked[0], audio_present=False, completer=method)
    waits = [
        session.answer(one, audio_present=False, completer=method).milliseconds
        for one in asked
    ]
    glue(f"wait_{method}", float(np.median(waits)), display=False)

# %% [markdown]
# One toggle took {glue:text}`wait_recommended:.0f` ms to its answer here, with RMM and AVR
# {glue:text}`wait_paper:.0f` ms (medians of this run; other work on the machine counts too).
#
# Without a kernel, the published page has the same toggles, every answer computed beforehand. The
# clips are the first ones of the test split that have enough questions: nobody picked the successes.

# %% mystnb={"figure": {"caption": "Mute the clip or cover it, and read the answer of this page's own model; below it, the truth, what the question alone gives, and what a perfect observer could reach.", "name": "fig-toggles"}, "image": {"alt": "Pictures of a clip, and the model's answers to one question with both senses, without audio, without picture and without both."}}
page_toggles(
    session,
    run.media_dir,
    completer="recommended",
    provenance=f"recommended, size {run.size}, {run.plug_in_steps} steps "
    f"of plug-in on a backbone of {run.plain_steps}, seed {run.seed}.",
)

# %% [markdown]
# ## Paper and us
#
# The paper trains its method jointly on MUSIC-AVQA, with AVST as backbone (Table 4). Here *recommended*, our
# way, feeds a frozen backbone. So neither levels nor sizes of a gain compare; what is asked is whether
# the **sign** agrees: that is the tolerance. The paper's own method is judged in {doc}`05_ablations`, with
# stronger controls: its control, like ours here, was never trained for absence. By the arithmetic of
# their fractions its two rows are from two releases of the test file.

# %%
gains_table.gains_table(gains, stored)

# %% [markdown]
# ## Try it
#
# ::::{exercise}
# :label: ex-recovered
#
# A gain of five points is much where ten can be had, and little where fifty can. Write
# `recovered(accuracy, control, ceiling)`, which returns the share of what the control leaves below
# the ceiling that is won back: 0 at the control, 1 at the ceiling. Then apply it to the two
# scenarios of this run.
# ::::
#
# :::{solution-start} ex-recovered
# :class: dropdown
# :::


# %%
def recovered(accuracy: float, control: float, ceiling: float) -> float:
    """Return the share of what can be won back that is won back."""
    return (accuracy - control) / (ceiling - control)


print(checks.recovered_share(recovered))
for scenario in gains:
    ours = reports["recommended"].total(scenario)
    control = reports["zeros"].accuracy(scenario)
    if ours.ceiling is not None:
        share = recovered(ours.tally.accuracy, control, ours.ceiling)
        print(f"{scenario}: {100 * share:.0f} % of it")

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Summary
#
# - This run, one seed: {glue:text}`recommended_complete:.1f` % with both senses; without audio
#   {glue:text}`recommended_audio_missing:.1f` % against {glue:text}`zeros_audio_missing:.1f` % with
#   zeros; without picture {glue:text}`recommended_visual_missing:.1f` % against
#   {glue:text}`zeros_visual_missing:.1f` %.
# - The frozen backbone kept every bit of its weights, and *not a number* in the place of the audio
#   changed no answer.
# - Over seeds, from stored results: without audio, {glue:text}`lead_audio_missing`.
#
# **Limits**: a world of rules, one live seed, one backbone; zeros are the weakest control.
#
# **Next**: {doc}`05_ablations` puts every part of the paper's method beside its control,
# {doc}`13_where_recall_helps` ours.
#
# Another seed, headless: `papermill notebooks/04_full_training.ipynb out.ipynb -p seed 3 -p profile smoke`
