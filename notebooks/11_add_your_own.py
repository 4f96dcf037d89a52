# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How do I add a method of my own?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** a {term}`completer` written in two short cells, tried against every promise that the parts
#   of this book keep, trained beside others, and standing in a table with its floor and its ceiling; then
#   a backbone and an enhancer.
# - **Belongs to** no table of the paper: this is for the next paper.
# - **Time** at most 45 s on two CPU cores.
# - **Data** a small {term}`Bandstand`, built when it is first asked for.
# - **Read before** {doc}`04_full_training`.
# :::

# %% tags=["hide-input"]
from dataclasses import dataclass, replace
from typing import Optional

import torch
from myst_nb import glue
from torch import nn

from avqa_core import checks, contracts, experiments, profiles, small_models
from avqa_core.backbones import Backbone, BackboneConfig, answer_head, backbones
from avqa_core.completion import Completer, CompleterConfig, completers
from avqa_core.enhancement import Enhancer, EnhancerConfig, enhancers
from avqa_core.experiments import budgets, grid, making
from avqa_core.types import Answers, Completion, Enhancement, Features
from avqa_core.viz import ablation_views, method_views, style

profiles.require_package("0.1")
style.use_style()

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # of the first of the runs below
num_seeds: Optional[int] = None  # runs of each row
device: Optional[str] = None  # auto, cpu or cuda
data_dir: Optional[str] = (
    None  # a data folder; none: the smallest built-in world
)
out_dir: Optional[str] = None  # where this page may write
complete_steps: Optional[int] = None  # of the backbone
plug_in_steps: Optional[int] = None  # of what completes its input

# %%
run = profiles.resolve(
    "11_add_your_own",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    complete_steps=complete_steps,
    plug_in_steps=plug_in_steps,
)
data = profiles.world("smoke", run.data_dir)
print(run)

# %% [markdown]
# ## The finding first: one class and one line
#
# Three kinds of parts are known by name. Whoever registers one more has it in the command line, in
# the contract tests and in every grid with its table, without another edit.

# %%
method_views.parts_table(
    caption="The registered parts before this page adds one. Any completer goes "
    "with any enhancer around any backbone."
)

# %% [markdown]
# ## Write it
#
# A completer sees features that are already zero where they are absent, and which of them are present:
# bool `[B, T, 2]`, the last axis audio and visual. It returns the pair with every hole filled. Ours
# is as plain as can be: each half of a segment is a linear map of the other half and of the question,
#
# $$
# f^{a_p}_t = W_a\,[\,\overline{f^v_t};\, f^t\,] + b_a, \qquad
# f^{v_p}_t(x, y) = W_v\,[\,f^a_t;\, f^t\,] + b_v .
# $$

# %%
if "other_half" in completers:  # so that this cell can be run twice
    completers.unregister("other_half")


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherHalfConfig(CompleterConfig):
    """Nothing to choose; a field here is a field of --set in the command line."""


@completers.register("other_half", OtherHalfConfig)
class OtherHalf(Completer):
    """The absent half as a linear map of the present one and of the question."""

    def __init__(self, config, dims) -> None:
        super().__init__()
        self.to_audio = nn.Linear(2 * dims.channels, dims.channels)
        self.to_visual = nn.Linear(2 * dims.channels, dims.channels)

    def complete(self, features: Features, availability, *, generator):
        """Return the filled pair."""
        return filled(self, features.blanked(availability), availability)


# %%
def filled(model: OtherHalf, seen: Features, availability) -> Completion:
    """Return what the two maps make of what was seen."""
    question = seen.question[:, None].expand_as(seen.audio)
    sight = seen.visual.mean(dim=(-2, -1))
    audio = model.to_audio(torch.cat([sight, question], dim=-1))
    places = model.to_visual(torch.cat([seen.audio, question], dim=-1))
    visual = places[..., None, None].expand_as(seen.visual)
    return Completion(
        features=seen.filled(availability, audio, visual),
        pseudo_audio=audio,
        pseudo_visual=visual,
    )


# %% [markdown]
# ## What every part promises
#
# Before a number of a new part means anything, it has to keep what the others keep: no value of an
# absent half reaches an answer, rows of a batch do not mix, a seed decides all that is random, a saved
# model answers as before. `contracts.check` tries all of it on a small model.

# %%
found = contracts.check("other_half")
assert not any(one.broken for one in found), found
method_views.contracts_table(found, caption="The new completer around AVST.")

# %% [markdown]
# Is that more than a formality? **Predict** which promises break if the completer adds a little noise,
# `torch.randn_like(audio)`, without asking for the generator that it is handed.

# %%
if "hasty" in completers:
    completers.unregister("hasty")


@dataclass(frozen=True, slots=True, kw_only=True)
class HastyConfig(CompleterConfig):
    """Nothing to choose."""


@completers.register("hasty", HastyConfig)
class Hasty(OtherHalf):
    """The same with noise from nowhere."""

    def complete(self, features: Features, availability, *, generator):
        """Return the filled pair, a little shaken."""
        noisy = replace(
            features, audio=features.audio + torch.randn_like(features.audio)
        )
        return super().complete(noisy, availability, generator=generator)


# %%
broken = contracts.check("hasty", dims=small_models.DIMS)
completers.unregister("hasty")
assert any(one.broken for one in broken)
glue("num_broken", str(sum(bool(one.broken) for one in broken)), display=False)
method_views.contracts_table(broken, caption="The hasty one.")

# %% [markdown]
# One fault breaks {glue:text}`num_broken` promises. Nothing leaked: each of these compares two passes, and
# with noise from nowhere no two passes agree. Such a model would give another accuracy at every look, and
# a run that was killed and taken up again would not end where it would have ended.
#
# ## In the grid, beside others
#
# The regime {term}`plug-in` isolates the completer: the backbone has never missed anything and stays as
# it is, so all that counts is what stands in for the absent half. Rows of one regime take equal
# steps from one backbone for each seed.

# %%
plan = grid.plan(
    "smoke",
    backbone_names=["avst"],
    completer_names=["zeros", "slot_mean", "other_half"],
    enhancer_names=["identity"],
    regimes=["plug_in"],
    seeds=range(run.seed, run.seed + run.num_seeds),
    budget=replace(
        budgets.BUDGETS["smoke"],
        complete=run.values["complete_steps"],
        plug_in=run.values["plug_in_steps"],
    ),
)
print(f"{len(plan)} runs:", *dict.fromkeys(one.name for one in plan), sep="\n")

# %%
made = making.Making(
    "smoke",
    run.out_dir / "runs",
    run.out_dir / "worlds",
    data=data,
    store=run.out_dir / "grid.json",
    plan=plan,
)
for event in made.run_here():
    assert event.outcome is not None, event.reason
print(made.collect(), "runs are in the table")

# %%
stored = experiments.stored("smoke", made.store)
names = [
    grid.row_name("avst", completer, "identity", "plug_in")
    for completer in ("zeros", "slot_mean", "other_half")
]
ablation_views.comparison_table(
    stored,
    names,
    control=names[1],
    caption=f"{run.values['plug_in_steps']} steps at size tiny on the smallest "
    f"world, {run.num_seeds} seeds. Points over the learned vector.",
)

# %% [markdown]
# This table says that the machinery works, and nothing about the method: the world is tiny and the runs
# are short. For numbers that mean something, the class goes into a file.
#
# ## As a file
#
# Save the class, its config and the `register` line as `avqa_core/completion/other_half.py`: a module
# is found by its name, there is no list to extend. Then
#
# ```
# avqa grid --profile book --backbones recommended --regimes plug_in \
#     --completers zeros slot_mean segment_transformer other_half
# python -m pytest tests/contracts -k other_half
# ```
#
# runs it with three seeds beside the others, resumable, and tries its promises with every enhancer
# around every backbone; `--list` says how long it takes. Compare within this grid: it has backbones of its
# own. Stored numbers of other parts do not become stale by it.
#
# `Completer.loss` is where a method brings losses of its own. A class that stays in a script: let the
# script end with `if __name__ == "__main__": sys.exit(avqa_core.cli.main())`, and its `train` and `evaluate`
# know it. A grid starts processes of its own, which import the package alone: it wants the file.
#
# ## A backbone and an enhancer
#
# A {term}`backbone` is two functions, `encode` before the completer and `answer` behind it, and names its
# last layer, which in a grid learns first ({doc}`12_how_a_network_starts`). With the three functions of
# `answer_head` it answers multiple choice as well: the last layer then meets what is read in each
# candidate. Widths come from `dims`. Fields named as in `presets.SIZES`, such as `channels`, follow
# `--size`; others stay as they are.


# %%
for family, name in ((backbones, "mean_of_both"), (enhancers, "nudge")):
    if name in family:
        family.unregister(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanOfBothConfig(BackboneConfig):
    """``channels`` comes with the base."""


class WordReader(nn.Module):
    """One vector for a question, or for a candidate."""

    def __init__(self, dims, width) -> None:
        super().__init__()
        self.words = nn.Embedding(dims.num_words, width, padding_idx=0)
        self.states = nn.GRU(width, width, batch_first=True)

    def forward(self, tokens):
        """Return the state after the last word."""
        states, _ = self.states(self.words(tokens))
        return answer_head.after_last_word(states, tokens)


# %%
@backbones.register("mean_of_both", MeanOfBothConfig)
class MeanOfBoth(Backbone):
    """What is heard and what is seen on the mean, each times the question."""

    def __init__(self, config, dims) -> None:
        super().__init__()
        width = self.channels = config.channels
        self.read = WordReader(dims, width)
        self.heard = nn.Linear(dims.audio_width, width)
        self.seen = nn.Conv2d(dims.visual_width, width, 1)
        self.last = answer_head.last_layer(2 * width, dims, width)

    @property
    def answer_layer(self) -> nn.Module:
        """Return the last layer."""
        return self.last

    def encode(self, batch):
        """Return f^a, f^v and f^t."""
        return encoded(self, batch)

    def answer(self, features):
        """Return the logits."""
        return answered(self, features)


# %%
def encoded(model: MeanOfBoth, batch) -> Features:
    """Return what goes to the completer."""
    maps = model.seen(batch.visual.flatten(0, 1))
    return Features(
        audio=model.heard(batch.audio),
        visual=maps.unflatten(0, batch.visual.shape[:2]),
        question=model.read(batch.tokens),
        candidates=answer_head.read_candidates(batch.candidates, model.read),
    )


def answered(model: MeanOfBoth, features: Features) -> Answers:
    """Return what is said of what comes back."""
    halves = (features.audio.mean(dim=1), features.visual.mean(dim=(1, 3, 4)))
    fused = torch.cat([one * features.question for one in halves], dim=-1)
    return Answers(
        logits=answer_head.logits_of(model.last(fused), features.candidates)
    )


# %% [markdown]
# An {term}`enhancer` is one function, `enhance`. It gets the completed pair and hands a pair of the same
# shapes on.


# %%
@dataclass(frozen=True, slots=True, kw_only=True)
class NudgeConfig(EnhancerConfig):
    """``strength`` is a field of --set: enhancer.strength=0.2."""

    strength: float = 0.1


@enhancers.register("nudge", NudgeConfig)
class Nudge(Enhancer):
    """Each half moves a little towards what both say together."""

    def __init__(self, config, dims) -> None:
        super().__init__()
        self.strength = config.strength
        self.to_audio = nn.Linear(2 * dims.channels, dims.channels)
        self.to_visual = nn.Linear(2 * dims.channels, dims.channels)

    def enhance(self, pair, availability, *, generator):
        """Return the nudged pair."""
        both = torch.cat([pair.audio, pair.visual.mean(dim=(-2, -1))], dim=-1)
        audio = pair.audio + self.strength * self.to_audio(both)
        places = self.strength * self.to_visual(both)[..., None, None]
        return Enhancement(
            features=replace(pair, audio=audio, visual=pair.visual + places)
        )


# %%
found = contracts.check("other_half", enhancer="nudge", backbone="mean_of_both")
assert not any(one.broken for one in found), found
method_views.contracts_table(
    found, caption="All three parts of this page together."
)

# %% [markdown]
# ## Try it
#
# :::{exercise}
# :label: exercise-targets
#
# A recall loss compares pseudo halves with real ones. Write `hidden_targets(availability, present)`,
# both bool `[B, T, 2]`: `present` tells what was ever recorded, `availability` what the completer was
# shown. Which halves may be compared?
# :::

# %% [markdown]
# :::{solution-start} exercise-targets
# :class: dropdown
# :::
#
# What was recorded and not shown. With what was shown, copying would be learned; what was never
# recorded is zeros, and zeros would be learned.


# %%
def hidden_targets(availability, present):
    """Return which halves of which segments a recall loss may look at."""
    return present & ~availability


print(checks.hidden_targets(hidden_targets))

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Summary
#
# - A method is one class, one config and one line; the command line, the contracts, the grid and the
#   tables know it from then on.
# - The contracts find what a table would hide: leaks, mixed rows, loose randomness, dead parameters.
# - Rows are compared at equal steps, paired by seed, with floor, ceiling and a control beside them.
#
# **Limits**: what a contract does not try, it does not promise; and a row in a table is no evidence
# before its control is in the same table.
#
# **Next**: {doc}`12_how_a_network_starts`.

# %% tags=["remove-cell"]
# other chapters of this process know the parts of the book
completers.unregister("other_half")
enhancers.unregister("nudge")
backbones.unregister("mean_of_both")
