# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Why does a network learn less than it could?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** networks with the answer layers of AVST, PSTP-Net and our AVSD saturate in their first
#   steps, and what changes when that layer learns before the rest.
# - **Belongs to** Sec. 4 of {cite:t}`li2022learning`, the backbone of most tables of
#   {cite:t}`park2024learning`.
# - **Time** at most 60 s on two CPU cores in profile `book`: two short starts of each
#   network run live; what they come to over seeds is stored.
# - **Data** {term}`Bandstand`, or a folder of your own with `data_dir`.
# - **Read before** {doc}`05_ablations`.
# :::

# %% tags=["hide-input"]
import time
from typing import Optional

from myst_nb import glue

from avqa_core import checks, experiments, profiles
from avqa_core.data import folder
from avqa_core.experiments import networks
from avqa_core.studies import binding, starts
from avqa_core.viz import ablation_views as views
from avqa_core.viz import alone_views, binding_views, start_views, style

profiles.require_package("0.1")
style.use_style()

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # of the starts watched live
num_seeds: Optional[int] = None  # stored results have seeds of their own
device: Optional[str] = None  # auto, cpu or cuda
data_dir: Optional[str] = None  # a data folder; none: the built-in world
out_dir: Optional[str] = None  # where this page may write
size: Optional[str] = None  # of the networks watched live
answer_layer_steps: Optional[int] = None  # in which only the last layer learns
num_steps: Optional[int] = None  # in which everything learns
batch_size: Optional[int] = None  # questions a step
results: Optional[str] = None  # profile of the stored results

# %%
run = profiles.resolve(
    "12_how_a_network_starts",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    size=size,
    answer_layer_steps=answer_layer_steps,
    num_steps=num_steps,
    batch_size=batch_size,
    results=results,
)
stored = experiments.stored(run.results, missing_ok=True)
words = alone_views.alone_words(stored) | alone_views.longer_words(stored)
for name, said in words.items():
    glue(name, said, display=False)
print(f"{run}; {len(stored)} stored runs, {stored.date}")

# %% [markdown]
# ## The finding first: the start decides
#
# AVST as published pools over time and place, so nobody expects *left* or *first* of it. But it also
# misses questions that need no order. Nothing is missing in this table. Its first two networks are the
# published one after equally many steps, and differ in their first {glue:text}`answer_layer_steps`;
# the third took more steps, at {glue:text}`longer_rate` instead of {glue:text}`start_rate`.

# %%
views.category_table(
    stored,
    [
        "start/at_once",
        "start/answer_layer_first",
        "complete/plain",
        "complete/positions",
    ],
    "complete",
    caption="Both senses present: test accuracy by category, mean over seeds.",
)

# %% [markdown]
# Of the questions that need no order it answers {glue:text}`together` where everything learns at once,
# and {glue:text}`first` after equally many steps of which the first {glue:text}`answer_layer_steps` moved
# the answer layer alone: {glue:text}`first_gain`. AVST with the reader of `recommended`, which adds a path
# beside the product below, answers {glue:text}`with_reader`.
#
# The longer run comes to {glue:text}`longer` after {glue:text}`longer_steps` steps, at least nine tenths
# of the ceiling in {glue:text}`num_near` categories that need no order. Below: {glue:text}`far`. What it
# does not know there is asked [further below](#who-is-seen-and-heard).

# %% [markdown]
# ## What was not the reason
#
# **Hypothesis**: nine categories are too much for so small a network. Then one category alone is easier, with
# a ninth of the steps; the table counts the questions of it that both met. **Predict**: is it?

# %%
alone_views.alone_table(
    stored,
    caption="AVST as published, categories that need no order: learned among "
    "all nine, alone, and among all nine with the answer layer first.",
)

# %% [markdown]
# Alone it answers {glue:text}`alone`, {glue:text}`alone_gain` over learning all nine at once; the other start
# brings {glue:text}`first_gain`. Are there too few questions? Then it would know those that it learned from.
# Where it is least above its floor, {glue:text}`hardest`, its loss on *training* questions ends at
# {glue:text}`hardest_loss`; a coin that is thrown for two answers has $\ln 2$, {glue:text}`coin`.

# %% [markdown]
# ## What changes with the start: a product that saturates
#
# AVST ends in
#
# $$
# \text{logits} = W s + b, \qquad s = \tanh(\text{fused} \odot f^t) ,
# $$
#
# and so does PSTP-Net; AVSD ends in $\tanh$ of a linear map. At first the cheapest way to a lower loss is
# to learn which answers are ever given, whatever the question. $W$ is small, so the gradient asks for a
# *larger* $s$, the same for every clip; and where $|s|$ is near one, $\tanh$ lets nothing through.
#
# **Hypothesis**: let $W$ and $b$ learn that first, and $s$ stays where it can learn. **Predict**: how
# many units are {term}`saturated`, beyond $\tanh 2$ at the end?

# %%
NETWORKS = ("avst", "pstp_net", "avsd")
data = folder.DataFolder(profiles.world(run.profile, run.data_dir))
train = data.dataset("train", cache=True)
how = starts.Start(
    size=run.size,
    answer_layer_steps=run.answer_layer_steps,
    num_steps=run.num_steps,
    batch_size=run.batch_size,
)
begun = time.perf_counter()
looks = {
    network: starts.both(network, train, how, seed=run.seed, device=run.device)
    for network in NETWORKS
}
glue("seconds", f"{time.perf_counter() - begun:.0f} s", display=False)
for name, said in start_views.start_words(looks).items():
    glue(name, said, display=False)

# %% mystnb={"figure": {"caption": "Two starts of each network from the same weights, one seed, on the same training questions with dropout off. Left the answer loss, right the share of what the answer layer reads that is beyond tanh(2). Dashed, everything learns at once; drawn through, the answer layer learns alone at first.", "name": "fig-starts"}, "image": {"alt": "Two panels over training steps with three colours for networks. Left, answer loss in nats: all lines fall. Right, saturated units in percent, dashed where everything learns at once, drawn through where the answer layer learns first."}}
start_views.start_figure(looks)

# %% [markdown]
# These six starts took {glue:text}`seconds`. At their end, everything at once (answer layer first):
#
# | | saturated | answer loss |
# |---|---|---|
# | AVST | {glue:text}`avst_once_saturated` ({glue:text}`avst_first_saturated`) | {glue:text}`avst_once_loss` ({glue:text}`avst_first_loss`) |
# | PSTP-Net | {glue:text}`pstp_net_once_saturated` ({glue:text}`pstp_net_first_saturated`) | {glue:text}`pstp_net_once_loss` ({glue:text}`pstp_net_first_loss`) |
# | AVSD | {glue:text}`avsd_once_saturated` ({glue:text}`avsd_first_saturated`) | {glue:text}`avsd_once_loss` ({glue:text}`avsd_first_loss`) |
#
# Pano-AVQA normalises what its answer layer reads; its tanh lies further back and was not watched.
#
# The start changes how much saturates and how well it learns, together; no run changed one of them alone. So
# saturation is what goes with a bad start, and by the gradient above a likely reason, not a proven one.

# %% [markdown]
# (who-is-seen-and-heard)=
# ## What a good start does not mend: who is seen *and* heard
#
# **Hypothesis**: to count those who are seen and heard, every sound has to be bound to a place, and AVST
# looks at one weighted mean of the places. Then it does as well as someone who counts players, their
# kinds and sounds, each by itself, and answers what was most frequent for such counts in training.
# **Predict**: is it ahead where *all* have to be bound, and where only the one that is named has to be?

# %%
kept = networks.runs_of("complete/plain", run.results)
counted = binding.study(data, list(kept.values()), device=run.device)
for name, said in binding_views.binding_words(counted).items():
    glue(name, said, display=False)
binding_views.binding_table(
    counted,
    caption="Audio-Visual Counting, answered live by the networks of the "
    "longer run, both senses present. Dealt anew: answers exchanged among "
    "clips of equal counts.",
)

# %% [markdown]
# On {glue:text}`num_counted` questions the network answers {glue:text}`counted`, counts alone
# {glue:text}`observed`. Ahead of counts alone: {glue:text}`ahead`. Not ahead: {glue:text}`not_ahead`.
# For the former the hypothesis is refuted, for the latter it is not.
#
# Points that its answers lose if they are dealt anew among clips of equal counts:
# {glue:text}`beyond_counts`; a network that is blind to who sounds would lose none. Where it is not ahead, all
# that it knows comes to no more than exact counts alone would give. Where a single instrument is named,
# whoever finds it and hears it could know everything: the table says how far it is from that. Whether the
# features hold more, and why answers teach it so slowly, {doc}`15_what_features_know` asks.

# %% [markdown]
# ## What follows
#
# - The stored networks of Tables 1 and 3 to 6 start with their answer layer, as
#   `training.answer_layer_steps` says. AVST with the reader did not need it: {glue:text}`reader_all` of all
#   questions, all layers learning at once.
# - Whoever compares a method with such a network compares with its start as well: a part that adds a path
#   around the product looks better than it is.
# - On MUSIC-AVQA the answers are less evenly given, and networks wider: whether the published numbers
#   suffer from it cannot be told from here.
#
# ```bash
# avqa train --data DATA --out RUN --preset paper --regime plain \
#     --set training.answer_layer_steps=300
# ```

# %% [markdown]
# ## Try it
#
# :::{exercise}
# :label: exercise-slope
#
# How much of a gradient comes through a unit? Write `slope_behind(state)`: `state` is $\tanh(z)$; return
# the derivative of $\tanh$ at $z$, without ever computing $z$.
# :::

# %% [markdown]
# :::{solution-start} exercise-slope
# :class: dropdown
# :::
#
# From $\tanh' = 1 - \tanh^2$. At $z = 2$ seven hundredths come through.


# %%
def slope_behind(state):
    """Return the slope of tanh, told by what it gave."""
    return 1 - state**2


verdict = checks.slope_behind(slope_behind)
assert verdict, verdict
verdict

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Summary
#
# - AVST as published answers {glue:text}`together` of the questions that need no order, and
#   {glue:text}`first` if its answer layer learns first: equal steps, equal weights at the start,
#   {glue:text}`first_gain`.
# - One category alone helps by {glue:text}`alone_gain`.
# - Who of the seen is heard: {glue:text}`counted` where counts alone give {glue:text}`observed` and the
#   ceiling is 100 %.
# - Within the steps watched {glue:text}`avst_once_saturated` of what its answer layer reads saturates, against
#   {glue:text}`avst_first_saturated` ({numref}`fig-starts`).
#
# **Limits**: the live figure is one seed, and short; accuracy over seeds with both starts is stored for AVST
# only, at the size of this book. Other remedies were tried by hand and helped less
# (`CONTRIBUTING.md`, "The answer layer first"): they have no stored runs.
#
# **Next**: {doc}`15_what_features_know`, or {doc}`13_where_recall_helps`.
