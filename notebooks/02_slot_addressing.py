# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Can a slot be pointed at?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** how the {term}`RMM generator` recalls an absent half from {term}`slots <slot>`,
#   why its {term}`addressing` as printed can hardly choose among them, and what one changed line gives.
# - **Belongs to** Sec. 3.1, Eq. 1 to 4, and Table 5 of {cite:t}`park2024learning`.
# - **Time** at most 30 s on two CPU cores in profile `book`, with three seeds trained live; profile
#   `full` takes minutes, a GPU does not shorten them.
# - **Data** {term}`Bandstand`, built once.
# - **Read before** {doc}`01_bandstand`; symbols stand in {doc}`../book/notation`.
# :::

# %% tags=["hide-input"]
import math
from typing import Optional

import torch
from myst_nb import glue

from avqa_core import checks, presets, profiles, rng
from avqa_core.bandstand import world
from avqa_core.completion import rmm, slot_mean
from avqa_core.data import folder as folders
from avqa_core.studies import clips, instruments, recall
from avqa_core.viz import (
    figures,
    recall_views,
    static_controls,
    style,
    tables,
)

profiles.require_package("0.1")
style.use_style()

# %% [markdown]
# ## The finding first: at L = 75 no slot gets more than a few percent
#
# Slots are vectors in a drawer; the addressing says which of them to take out. As printed, it takes a
# little of all of them. Choose the number of slots $L$ and read off the most that any slot can get.

# %% mystnb={"figure": {"caption": "The largest weight that Eq. 2 as printed can put on one of L slots, whatever is trained (logarithmic axis). It stays within the factor e of equal weights; a renormalised product can put all weight on one slot. No seeds: this is arithmetic.", "name": "fig-bound"}}
counts = (2, 5, 10, 25, 50, 75, 100, 150, 200)
static_controls.StepSlider.from_figures(
    [figures.joint_weight_bound(marked=one) for one in counts],
    [
        f"L = {one}: at most {100 * rmm.max_joint_weight(one):.1f} % a slot"
        for one in counts
    ],
    control="slots L",
    alt="Largest weight of a slot in percent over the number of slots; the "
    "curve of Eq. 2 falls close above that of equal weights.",
    name="bound",
    start=counts.index(75),
)

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # first seed of encoders, slots and batches
num_seeds: Optional[int] = None  # how many runs of each addressing
device: Optional[str] = None  # auto, cpu or cuda
data_dir: Optional[str] = None  # a Bandstand folder; none: the built-in one
out_dir: Optional[str] = None  # where this page may write
size: Optional[str] = None  # tiny, book, full or paper: C and L
num_clips: Optional[int] = None  # clips to learn from
num_test_clips: Optional[int] = None  # clips to measure on
num_steps: Optional[int] = None  # training steps of each run

# %%
run = profiles.resolve(
    "02_slot_addressing",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    size=size,
    num_clips=num_clips,
    num_test_clips=num_test_clips,
    num_steps=num_steps,
)
data = folders.DataFolder(profiles.world(run.profile, run.data_dir))
print(run)

# %% [markdown]
# ## Eq. 1 and 2 by hand
#
# Three banks of $L$ slots, $G^a$, $G^v$, $G^t$, belong together row by row. Say the sound is gone.
# What is seen is compared with $G^v$, the question with $G^t$, each by a scaled product:
#
# $$
# s^v_j = \frac{f^v \cdot G^v_j}{\sqrt{C}} , \qquad a^v = \operatorname{softmax}(s^v) ,
# \qquad a^t = \operatorname{softmax}(s^t) .
# $$
#
# Both agree on a joint addressing, and it reads the bank of the *absent* half:
#
# $$
# a^{vt} = \operatorname{softmax}(a^v \circ a^t) , \qquad
# f^{a_p} = \sum_j a^{vt}_j \, G^a_j .
# $$

# %%
generator = rng.named(run.seed, "toy")
drawn = (torch.randn(4, 3, generator=generator) for _ in range(3))
G_a, G_v, G_t = (torch.nn.functional.normalize(one, dim=-1) for one in drawn)
f_v, f_t = 6 * G_v[1], 6 * G_t[1]  # what is seen and asked looks like slot 1

s_v, s_t = f_v @ G_v.T / 3**0.5, f_t @ G_t.T / 3**0.5
a_v, a_t = s_v.softmax(dim=-1), s_t.softmax(dim=-1)
a_vt = (a_v * a_t).softmax(dim=-1)
f_ap = a_vt @ G_a

assert int(a_v.argmax()) == int(a_t.argmax()) == 1
assert torch.equal(s_v, rmm.slot_scores(f_v, G_v, 3, "paper"))
assert torch.equal(a_vt, rmm.joint_addressing(s_v, s_t, "paper"))
print("a^v   ", a_v.numpy().round(3))
print("a^t   ", a_t.numpy().round(3))
print("a^{vt}", a_vt.numpy().round(3))
glue("toy_joint", 100 * float(a_vt[..., 1].mean()), display=False)
glue("toy_equal", 100 / a_vt.shape[-1], display=False)

# %% [markdown]
# Slots count from 0. Both $a^v$ and $a^t$ point at slot 1; the joint one, in the third line, gives it
# {glue:text}`toy_joint:.0f` %, where equal weights are {glue:text}`toy_equal:.0f` %. A product of two softmaxes lies between 0 and 1, and the last softmax takes it for
# *scores*: the winner enters with at most 1, the others with at least 0, so
#
# $$
# a^{vt}_j \le \frac{e^1}{e^1 + (L - 1)\, e^0} = \frac{e}{e + L - 1} .
# $$
#
# One can divide by the sum instead of taking a third softmax, which makes it a *product of experts*
# {cite:p}`hinton2002training`: $\tilde a^{vt} = a^v \circ a^t / \sum = \operatorname{softmax}(s^v + s^t)$.

# %%
product = a_v * a_t / (a_v * a_t).sum()
same = rmm.joint_addressing(s_v, s_t, "renormalised")
assert torch.allclose(product, same, atol=1e-6)
print("renormalised", product.numpy().round(3))
glue("toy_printed", 100 * float(a_vt.max()), display=False)
glue("toy_product", 100 * float(product.max()), display=False)
glue("bound_75", 100 * rmm.max_joint_weight(75), display=False)
cosine_75 = 100 * rmm.max_joint_weight(75, "released_code")
glue("cosine_75", cosine_75, display=False)
glue("equal_75", 100 / 75, display=False)

# %% [markdown]
# On the toy the winner gets {glue:text}`toy_printed:.0f` % as printed and {glue:text}`toy_product:.0f` %
# renormalised. At the paper's $L = 75$ the bound is {glue:text}`bound_75:.2f` %, with the cosine scores
# of the released program even {glue:text}`cosine_75:.3f` %; equal weights are {glue:text}`equal_75:.3f` %.
# The {term}`pseudo feature` is then the mean slot, whatever was seen. Does training find a way around?

# %% [markdown]
# ## Slots trained on clips: what is recalled
#
# Encoders with initial weights, frozen, turn clips into $f^a$, $f^v$, $f^t$; a target that nobody trains
# cannot run towards its prediction. On them we train the RMM generator with its own loss, Eq. 3 and 4,
# in both directions, no answers involved, once for each addressing.

# %%
encoder = presets.preset("paper", run.size).backbone
train, _ = clips.encode_clips(
    data, "train", run.num_clips, encoder, seed=run.seed
)
test, test_ids = clips.encode_clips(
    data, "test", run.num_test_clips, encoder, seed=run.seed
)
unit = clips.scales(train)
train, test = clips.scaled(train, unit), clips.scaled(test, unit)
for name in ("audio", "visual", "question"):
    print(f"{name}: {list(getattr(train, name).shape)}")

# %% [markdown]
# Four completers: the three addressings, and the control `slot_mean`, one learned vector for everybody,
# which is what an addressing that points nowhere amounts to. Slots start with a tenth of the
# spread that the program gives them, because this training is short.

# %%
num_slots = presets.SIZES[run.size]["num_slots"]
kinds: dict[str, rmm.AddressingKind] = {"rmm": "paper"}
kinds["rmm_released_code"] = "released_code"
kinds["rmm_renormalised"] = "renormalised"
configs = {"slot_mean": slot_mean.SlotMeanConfig()} | {
    name: rmm.RMMConfig(num_slots=num_slots, addressing=kind, slot_init_std=0.1)
    for name, kind in kinds.items()
}
how = recall.Schooling(num_steps=run.num_steps, batch_size=16)
schooled = {
    name: [recall.school(config, train, how, seed=one) for one in run.seeds]
    for name, config in configs.items()
}
scores = {
    half: {
        name: [recall.score(one, half, train, test) for one in of_seeds]
        for name, of_seeds in schooled.items()
    }
    for half in ("audio", "visual")
}
linear = {half: recall.linear_score(half, train, test) for half in scores}

# %% [markdown]
# The error is a share of what the mean of the training features leaves: 100 % is as good as saying
# the mean every time. As a yardstick, the best *linear* map from what is present; it shows that there
# is something to recall.

# %% mystnb={"figure": {"caption": "What each addressing recalls: squared error on test clips, where 100 % is the mean predictor, about the least that one constant vector can have. Dots: seeds; bars: 95 % interval of the mean.", "name": "fig-recall"}, "image": {"alt": "Rows for audio recalled and visual recalled, each for slot mean, the RMM generator as in the paper, as released, renormalised, and a linear map. Error in percent of the mean predictor."}}
rows = {}
for half, of_half in scores.items():
    for name, found in of_half.items():
        label = f"{half}: {style.mark_of(name).label}"
        rows[label] = {half: [100 * one.error for one in found]}
    rows[f"{half}: linear map"] = {half: [100 * linear[half].error]}
figures.marked_rows(
    rows,
    xlabel="error of the recalled feature (% of the mean predictor's)",
    references={"mean predictor": 100},
    labels={"audio": "audio recalled", "visual": "visual recalled"},
)

# %% tags=["hide-input"]
recall_views.recall_table(scores, num_slots=num_slots)

# %% tags=["hide-input"]
for half, of_half in scores.items():
    for name, found in of_half.items():
        mean = recall_views.means(found)
        glue(f"{half}_{name}_error", 100 * mean.error, display=False)
        glue(f"{half}_{name}_spread", 100 * mean.spread, display=False)
        if name != "slot_mean":
            glue(f"{half}_{name}_entropy", mean.entropy, display=False)
    glue(f"{half}_linear", 100 * linear[half].error, display=False)

# %% [markdown]
# As printed, recalled sound has {glue:text}`audio_rmm_error:.1f` % of the mean predictor's error and a
# spread over clips of {glue:text}`audio_rmm_spread:.2f` % of the real one (at 0 everybody would get the
# same sound). Renormalised it is {glue:text}`audio_rmm_renormalised_error:.1f` %, with a spread of
# {glue:text}`audio_rmm_renormalised_spread:.1f` %. A linear map reaches
# {glue:text}`audio_linear:.1f` %. For the picture the three are {glue:text}`visual_rmm_error:.1f`,
# {glue:text}`visual_rmm_renormalised_error:.1f` and {glue:text}`visual_linear:.1f` %.

# %% [markdown]
# ## Where the weights go
#
# The normalised entropy of an addressing is 1 if all slots get the same and 0 if one slot gets
# everything. One clip, its picture gone: how do the three addressings spread over the slots?

# %% mystnb={"figure": {"caption": "Addressing of one test clip with the picture missing, first seed; segments down, slots across, each map on a scale of its own. As printed and as released, all weights are within the factor e of equal ones (1/L), so a bright place means little.", "name": "fig-addressing"}}
seen = {
    name: recall.complete(schooled[name][0], test, "visual") for name in kinds
}
weights = {
    name: one.addressing.audio_question
    for name, one in seen.items()
    if one.addressing is not None
}
static_controls.StepSlider.from_figures(
    [
        figures.addressing_heatmap({style.mark_of(name).label: one[0]})
        for name, one in weights.items()
    ],
    [
        f"{style.mark_of(name).label}: weights from {100 * one[0].min():.2f} "
        f"to {100 * one[0].max():.2f} %"
        for name, one in weights.items()
    ],
    control="addressing",
    alt="Heat map of the weights of one clip, segments down and slots across.",
    name="addressing",
    start=2,
)

# %% [markdown]
# ### Which slots fire for which instrument
#
# Take the segments in which one instrument sounds alone, and average the weights that they address
# with. If slots had learned instruments, each row of the picture would have bright places of its own.

# %% mystnb={"figure": {"caption": "Mean addressing of segments in which an instrument is heard alone, relative to the mean over instruments; first seed, test clips. As printed, every instrument addresses alike; renormalised, rows differ, and the text says whether by more than chance.", "name": "fig-instruments"}}
scenes = {one.clip_id: one for one in world.read_scenes(data.path, "test")}
alone = instruments.heard_alone([scenes[one] for one in test_ids])
fired = {
    name: instruments.mean_weights(one.numpy(), alone)
    for name, one in weights.items()
}
bits = {name: instruments.information(one) for name, one in fired.items()}
chance = instruments.information_by_chance(
    weights["rmm_renormalised"].numpy(), alone, seed=run.seed
)
static_controls.StepSlider.from_figures(
    [figures.slots_by_instrument(one) for one in fired.values()],
    [
        f"{style.mark_of(name).label}: the slot tells {bits[name]:.3f} bits"
        for name in fired
    ],
    control="addressing",
    alt="Heat map of mean weights, instruments down and slots across.",
    name="instruments",
    start=2,
)

# %% tags=["hide-input"]
for name, value in bits.items():
    glue(f"bits_{name}", value, display=False)
num_instruments = len(fired["rmm"])
glue("num_instruments", num_instruments, display=False)
glue("bits_needed", math.log2(num_instruments), display=False)
glue("bits_by_chance", sum(chance) / len(chance), display=False)
above = sum(bits["rmm_renormalised"] > one for one in chance)
glue("bits_above_chance", f"{above} of {len(chance)}", display=False)

# %% [markdown]
# It takes {glue:text}`bits_needed:.2f` bits to name one of {glue:text}`num_instruments` instruments. As
# printed, the addressed slot tells {glue:text}`bits_rmm:.4f` of them about who plays; renormalised,
# {glue:text}`bits_rmm_renormalised:.3f`. A control: where each clip is given the instruments of another one,
# few segments still differ by chance, renormalised by {glue:text}`bits_by_chance:.3f` bits on average. The
# true instruments tell more than {glue:text}`bits_above_chance` such shuffles.

# %% [markdown]
# ## Paper and us: what the number of slots can mean
#
# The paper varies $L$ in Table 5 and finds 75 best. If addressing is close to uniform, $L$ mainly sets
# how many rows the mean is taken over, and accuracy should hardly depend on it.

# %% tags=["hide-input"]
tables.table(
    [
        tables.Column("L", "slots L", 0),
        tables.Column("bound", "largest weight possible (%)", 2, 100),
        tables.Column("equal", "equal weights (%)", 2, 100),
        tables.Column("audio", "paper: audio missing (%)", 2, 100, "highest"),
        tables.Column("visual", "paper: visual missing (%)", 2, 100, "highest"),
    ],
    recall_views.slot_rows(),
    caption="Bound of Eq. 2 (ours, arithmetic) beside Table 5 of the paper "
    "(AVST, MUSIC-AVQA, one run each).",
)

# %% tags=["hide-input"]
glue("num_steps", str(run.num_steps), display=False)
verdicts = recall_views.verdicts(scores, num_slots)
recall_views.verdict_table(verdicts)

# %% [markdown]
# These are slots of {glue:text}`num_steps` steps, on features of an encoder with its first weights: a verdict
# on what such training brings, not on the paper's trained network. The paper gives neither entropies nor
# recall errors, so its claim that recall is conditional on the input is tested on Bandstand alone. What accuracy makes of it is measured in {doc}`05_ablations`.

# %% [markdown]
# ## Try it
#
# :::{exercise}
# :label: ex-bound
#
# Write `largest(L)`, the most that Eq. 2 as printed can give one slot. Then: up to which $L$ can one slot
# get half of the weight?
# :::
#
# :::{exercise}
# :label: ex-product
#
# Write `renormalised(scores, question_scores)`, both `[rows, L]`, so that one slot can win.
# :::

# %% [markdown]
# :::{solution-start} ex-bound
# :class: dropdown
# :::
#
# From $e / (e + L - 1) \ge 1/2$ follows $L \le e + 1$: three slots.


# %%
def largest(num_slots: int) -> float:
    """Return e / (e + L - 1)."""
    e = torch.e
    return e / (e + num_slots - 1)


verdict = checks.largest_weight(largest)
assert verdict, verdict
verdict

# %% [markdown]
# :::{solution-end}
# :::
#
# :::{solution-start} ex-product
# :class: dropdown
# :::


# %%
def renormalised(scores, question_scores):
    """Return the product of both softmaxes, divided by its sum."""
    product = scores.softmax(dim=-1) * question_scores.softmax(dim=-1)
    return product / product.sum(dim=-1, keepdim=True)


verdict = checks.product_of_experts(renormalised)
assert verdict, verdict
verdict

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Summary
#
# - As printed, no slot of 75 gets more than {glue:text}`bound_75:.2f` %, equal weights being
#   {glue:text}`equal_75:.2f` % ({numref}`fig-bound`).
# - Trained, that addressing recalls sound with {glue:text}`audio_rmm_error:.1f` % of the mean
#   predictor's error, at an entropy of {glue:text}`audio_rmm_entropy:.3f`; the control `slot_mean` has
#   {glue:text}`audio_slot_mean_error:.1f` % ({numref}`fig-recall`).
# - Dividing by the sum brings {glue:text}`audio_rmm_renormalised_error:.1f` % at an entropy of
#   {glue:text}`audio_rmm_renormalised_entropy:.2f`, where a linear map brings
#   {glue:text}`audio_linear:.1f` %; which slot is taken tells {glue:text}`bits_rmm_renormalised:.3f` of
#   {glue:text}`bits_needed:.2f` bits about the instrument, by chance {glue:text}`bits_by_chance:.3f`
#   ({numref}`fig-instruments`).
#
# **Limits**: encoders with initial weights, few steps, and recall alone; a good recall is not yet a good
# answer. **Next**: {doc}`03_avr_diffusion`.
