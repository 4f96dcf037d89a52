# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What else can fill in what is missing?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** four published ways to live without a modality, two forms of retrieval and the plain
#   controls around one network, beside the paper's method and the completer of `recommended`; their cost; and, live,
#   what each of them really puts in the place of an absent half.
# - **Belongs to** Table 3 of {cite:t}`park2024learning`.
# - **Time** at most 30 s on two CPU cores in profile `book`: completers are taught live, methods and
#   seeds are read from stored runs, as far as there are any.
# - **Data** {term}`Bandstand`, built once.
# - **Read before** {doc}`05_ablations`; for the measure of recall {doc}`02_slot_addressing`.
# :::

# %% tags=["hide-input"]
from typing import Optional

from myst_nb import glue

from avqa_core import checks, claims, experiments, ledger, profiles
from avqa_core.data import dataset, folder
from avqa_core.studies import fillings, trials

# %% tags=["hide-input"]
from avqa_core.viz import (
    ablation_views,
    filling_views,
    method_words,
    paper_rows,
    style,
)
from avqa_core.viz import method_views as views

profiles.require_package("0.1")
style.use_style()

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # of everything random in the live part
num_seeds: Optional[int] = None  # stored runs have seeds of their own
device: Optional[str] = None  # auto, cpu or cuda; the live part is on the CPU
data_dir: Optional[str] = None  # a data folder; none: the built-in world
out_dir: Optional[str] = None  # where this page may write
size: Optional[str] = None  # tiny, book, full or paper: of the live part
cost_size: Optional[str] = None  # likewise: of the models whose cost is told
num_clips: Optional[int] = None  # clips that completers learn from
num_test_clips: Optional[int] = None  # clips whose halves they fill in
plain_steps: Optional[int] = None  # steps of the network around them
fill_steps: Optional[int] = None  # steps of each completer
results: Optional[str] = None  # profile of the stored runs

# %%
run = profiles.resolve(
    "09_other_ways",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    size=size,
    cost_size=cost_size,
    num_clips=num_clips,
    num_test_clips=num_test_clips,
    plain_steps=plain_steps,
    fill_steps=fill_steps,
    results=results,
)
stored = experiments.stored(run.results, missing_ok=True)
words = method_words.table3_words(stored)
for name, said in words.items():
    glue(name, said, display=False)
print(f"{run}; {words['stored_runs']} runs of Table 3 are stored")

# %% [markdown]
# ## The finding first: every row of Table 3
#
# The paper puts four published methods around AVST and prints its own above all of them. Below stands
# every printed row with a verdict. Most are on the paper's claims: each rival is below RMM and AVR, and
# these are over plain AVST. Of plain AVST it claims nothing; that it is over the {term}`floor` is *our
# check*.
#
# Stored are {glue:text}`stored_runs` runs. A row without its run keeps the paper's value and says
# *not run*. The rivals' numbers are the paper's own runs of their ideas; no code of those was released.

# %%
paper_rows.rows_table(
    stored,
    paper_rows.table3_rows(),
    caption="Table 3 of Park et al. (2024), MUSIC-AVQA, one run each; ours on "
    "Bandstand, mean over seeds with its 95 % interval, all seeds counted.",
)

# %% mystnb={"figure": {"caption": "Every way to fill in around AVST as published: equal steps from one checkpoint for each seed, but for the network that was never trained for absence. Dots: seeds; bars: 95 % interval of their mean; shaded: below the floor, beyond the ceiling. What is not stored is not drawn.", "name": "fig-table-3"}, "image": {"alt": "Three panels, for both present, audio missing and visual missing, one row for each method that is stored; accuracy in percent with seeds as dots."}}
ablation_views.comparison_figure(stored, views.TABLE_3)

# %% [markdown]
# **What is stored, and what is not.** Every method goes on for {glue:text}`steps_methods` steps from a
# plain AVST of {glue:text}`steps_plain`, whose answer layer learned first
# ({doc}`12_how_a_network_starts`). It sees the same schedule: one pass with everything, one
# without sound, one without picture, as Eq. 8 has it.

# %% tags=["hide-input"]
paper_rows.stored_table(
    stored,
    views.TABLE_3,
    method_words.num_planned(run.results),
    caption=f"The runs behind Table 3 in the stored results of profile "
    f"{run.results}.",
)

# %% tags=["hide-input"]
paper_rows.missing_box(
    stored, views.TABLE_3, method_words.num_planned(run.results)
)

# %% [markdown]
# ## The ways, from the plainest
#
# - **Zeros** after {term}`modality dropout` {cite:p}`neverova2016moddrop`, the {term}`control`.
# - **One learned vector** (`slot_mean`); {term}`retrieval`, the mean of the nearest training clips, found
#   by the clip alone or by clip and question. Its bank has one question a clip, nearly always the
#   same: by clip alone is the fairer form.
# - {term}`Missing-aware prompts <missing-aware prompts>` {cite:p}`lee2023multimodal`: learned tokens for
#   each way to miss something, as input, or before the keys of the attention.
# - **ShaSpec** {cite:p}`wang2023multi` and **DrFuse** {cite:p}`yao2024drfuse`: what both modalities share
#   stands in.
# - **ActionMAE** {cite:p}`woo2023towards`: a masked autoencoder predicts what was dropped.
# - **RMM**, then **AVR**; and the completer of `recommended`.
#
# How each was adapted stands in its class, in a note that begins `Departure:`.

# %%
control = method_words.CONTROL
ablation_views.comparison_table(
    stored,
    views.TABLE_3,
    control=control,
    paper=True,
    caption="What is stored of Table 3: mean over seeds, ▲ best. Points over "
    "the network that was trained with the modality absent, paired by seed.",
)

# %% [markdown]
# Over plain AVST without sound (without picture): RMM and AVR
# {glue:text}`paper_audio_missing` ({glue:text}`paper_visual_missing`), printed
# {glue:text}`printed_gain_audio_missing` ({glue:text}`printed_gain_visual_missing`); the control
# {glue:text}`modality_dropout_audio_missing` ({glue:text}`modality_dropout_visual_missing`).
# Over the control: the completer of `recommended` {glue:text}`recommended_over_control_audio_missing`
# ({glue:text}`recommended_over_control_visual_missing`), one learned vector
# {glue:text}`slot_mean_over_control_audio_missing`
# ({glue:text}`slot_mean_over_control_visual_missing`).

# %% [markdown]
# **What goes together.** Some ways change what is present too, not only what is absent. Of those that are
# stored, these are: *{glue:text}`changing`*. They reach {glue:text}`changing_audio_missing` without sound
# ({glue:text}`changing_visual_missing` without picture); the others that were trained for absence
# {glue:text}`keeping_audio_missing` ({glue:text}`keeping_visual_missing`); plain AVST, which was not,
# {glue:text}`plain_audio_missing` ({glue:text}`plain_visual_missing`). What AVR does to the half that was
# there is taken apart in {doc}`05_ablations`.

# %% [markdown]
# ## What each way costs
#
# Counted around AVST with the sizes of MUSIC-AVQA's features while a model answers and learns one
# question; at the paper's size C = 512. **Predict**: which method costs most?

# %%
costs = views.table3_costs(run.results, run.cost_size)
views.cost_table(
    costs,
    {},
    caption=f"Table 3 at size {run.cost_size}. A completer is also run where "
    "nothing is missing, and its output not used; a sampler is not.",
)

# %% tags=["hide-input"]
dearest = max(costs, key=lambda one: costs[one].training)
others = [one.training for name, one in costs.items() if name != dearest]
glue("dearest", dearest, display=False)
glue("dearest_giga", costs[dearest].training / 1e9, display=False)
glue("others_giga", sum(others) / 1e9, display=False)
most = max(costs, key=lambda one: costs[one].completer)
glue("most_parameters", most, display=False)
glue("most_million", costs[most].completer / 1e6, display=False)

# %% [markdown]
# What costs most to learn is *{glue:text}`dearest`*: {glue:text}`dearest_giga:.1f` GFLOP a question, all others
# together {glue:text}`others_giga:.1f`. Its sampler runs through every step of the chain, forward and
# back, and here with the light denoiser only. The most parameters are those of *{glue:text}`most_parameters`*,
# {glue:text}`most_million:.1f` million. Retrieval learns nothing, in both of its
# forms; it carries its training clips along.

# %% [markdown]
# ## What do they fill in?
#
# Accuracy does not tell. A network can do well beside a stand-in that says nothing, if it has learned
# not to look at it. So take AVST, freeze it, teach each {term}`completer` around it for as many steps,
# with its own losses and the answers, and look at the {term}`pseudo feature` itself. Does it depend on
# the clip at all? With $i$ over clips and everything else averaged, {term}`spread over clips` and error are
#
# $$
# \mathrm{spread} = \frac{\mathrm{Var}_i\, f^{p}_{i}}{\mathrm{Var}_i\, f_{i}} , \qquad
# \mathrm{error} = \frac{\lVert f^{p} - f \rVert^2}{\lVert \bar f - f \rVert^2} ,
# $$
#
# $\bar f$ being the mean of the training features. **Predict**: for which methods is the spread zero?

# %%
data = folder.DataFolder(profiles.world(run.profile, run.data_dir))
asked = trials.about_clips(data.examples("train"), run.num_clips)
new = trials.about_clips(data.examples("test"), run.num_test_clips)
sets = [
    dataset.QADataset(of, data.store, data.vocabulary, cache=True)
    for of in (asked, trials.one_each(asked), trials.one_each(new))
]
plain = trials.briefly(
    views.plain_model("avst", run.size),
    sets[0],
    num_steps=run.plain_steps,
    batch_size=32,
    seed=run.seed,
    learning_rate=2e-3,
)
train, test = (fillings.encode(plain.model, one) for one in sets[1:])
print("f^a", list(test.audio.shape), "f^v", list(test.visual.shape))

# %%
how = fillings.Teaching(num_steps=run.fill_steps)
found = {}
for name, config in filling_views.completers_of_table3(run.size).items():
    completer = fillings.teach(
        config, plain.model.backbone, train, how, seed=run.seed
    )
    found[name] = {
        half: fillings.filling(completer, half, train, test)
        for half in fillings.HALVES
    }

# %% mystnb={"figure": {"caption": "What is filled in for test clips, one seed, after equal steps around a frozen AVST. Left: squared error, the dashed line being that of the mean of the training features; right: variance over clips, the dashed line being that of the real half. Both axes are logarithmic, the right one down to a point from which it is linear to zero.", "name": "fig-fillings"}, "image": {"alt": "Two panels with one row for each completer and a mark each for filled-in audio and filled-in visual: on the left the error in percent of the mean predictor's, on the right the variance over clips in percent of the real one's."}}
filling_views.fillings_figure(found)

# %% tags=["hide-input"]
filling_views.fillings_table(
    found,
    caption=f"What is filled in for {len(sets[2])} test clips, size {run.size}, "
    f"{run.fill_steps} steps, one seed.",
)

# %% tags=["hide-input"]
for half in fillings.HALVES:
    glue(f"same_{half}", filling_views.same_for_all(found, half), display=False)
    for name in found:
        for what in ("error", "spread"):
            value = 100 * getattr(found[name][half], what)
            glue(f"{name}_{half}_{what}", value, display=False)
glue("num_taught", str(run.fill_steps), display=False)

# %% [markdown]
# The same sound for every clip: {glue:text}`same_audio`. These recall nothing; whatever they win is not
# recall. RMM as printed looks at the clip, but its sound varies by
# {glue:text}`rmm_audio_spread:.3f` % of the real variance: Eq. 2 hardly addresses
# ({doc}`02_slot_addressing`). Retrieval averages a few clips of others: a spread of
# {glue:text}`retrieval_audio_spread:.0f` %, an error of {glue:text}`retrieval_audio_error:.0f` %.
# The completer of `recommended`: a spread of {glue:text}`recommended_audio_spread:.1f` %, an error of
# {glue:text}`recommended_audio_error:.0f` %.
#
# A large error is no fault where no loss asks for the real half: ShaSpec, DrFuse and prompts may
# bring anything that leads to the answer, and ActionMAE compares without scale.

# %% [markdown]
# So three questions sort the ways, before any accuracy: does it look at the clip, is it asked to be like
# the real half, does the network around it learn too? Where the network learns, a stand-in only has to
# be recognisable. Where it is frozen, as in a {term}`plug-in`, what likeness is worth is measured in
# {doc}`13_where_recall_helps`, with one learned vector as the control that looks at no clip.
#
# ## Paper and us: the claims of Table 3
#
# The paper's strongest rival without sound is {glue:text}`printed_rival_audio_missing`, which RMM and
# AVR lead by {glue:text}`printed_lead_audio_missing` points; without picture it is
# {glue:text}`printed_rival_visual_missing`, by {glue:text}`printed_lead_visual_missing`.
# Of {glue:text}`num_claims` claims: {glue:text}`verdicts_paper`.

# %%
entries = ledger.ledger(stored, claims.table3_claims())
ablation_views.ledger_table(
    [one for one in entries if one.claim.source != "control"],
    caption="Claims of Table 3, in points, by the rule of the chapter on "
    "ablations: the whole 95 % interval has to lie above zero.",
)

# %% [markdown]
# What Table 3 does not have is the control. Of {glue:text}`num_controls` questions about it:
# {glue:text}`verdicts_controls`.
#
# It is a small one: the control trains {glue:text}`size_control` parameters, RMM and AVR
# {glue:text}`size_paper`, that of `recommended` {glue:text}`size_recommended`. So what is gained over it may be a
# gain of size: {doc}`13_where_recall_helps` has controls as large as `recommended`.

# %%
ablation_views.ledger_table(
    [one for one in entries if one.claim.source == "control"],
    caption="Every way against the network that was trained with the modality "
    "absent, by the same rule.",
)

# %% [markdown]
# ## Try it
#
# :::{exercise}
# :label: exercise-spread
#
# Write `spread(pseudo, real)`, both `[B, T, C]`: the variance over clips of the pseudo feature as a share
# of the real one's. A stand-in that changes over time, but in the same way for every clip, knows no
# clip: it has to get zero.
# :::

# %% [markdown]
# :::{solution-start} exercise-spread
# :class: dropdown
# :::
#
# The mean is taken over clips alone, so each segment and channel has one of its own.


# %%
def spread(pseudo, real):
    """Return the variance over clips as a share of the real one's."""
    varied = [(one - one.mean(dim=0)).square().mean() for one in (pseudo, real)]
    return float(varied[0] / varied[1])


verdict = checks.spread_over_clips(spread)
assert verdict, verdict
verdict

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Summary
#
# - Table 3, {glue:text}`stored_runs` runs stored. The paper's claims: {glue:text}`verdicts_paper`;
#   against the control, which is smaller: {glue:text}`verdicts_controls`.
# - What is present is changed too by *{glue:text}`changing`*: without sound
#   {glue:text}`changing_audio_missing`, others {glue:text}`keeping_audio_missing`.
# - Filled in alike for every clip, whatever it shows: {glue:text}`same_audio` ({numref}`fig-fillings`).
# - RMM as printed looks at the clip, and its sound varies by {glue:text}`rmm_audio_spread:.3f` % of the
#   real variance; that of retrieval by {glue:text}`retrieval_audio_spread:.1f` %.
# - The sampler is what costs: {glue:text}`dearest_giga:.1f` GFLOP to learn one question, all other ways
#   together {glue:text}`others_giga:.1f`.
#
# **Limits**: live completers took {glue:text}`num_taught` steps around one small network, one seed: where
# the spread is not zero, longer teaching changes it. Stored methods took {glue:text}`steps_methods`, AVR
# with the light denoiser; published ones are adapted to one interface.
# **Next**: {doc}`10_sensors_in_the_field`.
