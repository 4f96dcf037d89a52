# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Is a corrupted half a missing one?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** one network tested twice, with noise on one half of a clip and with that half gone; and,
#   point by point, where the program released with the paper departs from its formulas.
# - **Belongs to** Sec. 4 of {cite:t}`park2024learning` and the program released with it.
# - **Time** at most 30 s on two CPU cores in profile `book`; the networks come trained.
# - **Data** {term}`Bandstand`; three networks that are kept beside the stored results.
# - **Read before** {doc}`04_full_training`.
# :::

# %% tags=["hide-input"]
from typing import Optional

from myst_nb import glue

from avqa_core import checks, experiments, profiles
from avqa_core.audit import program
from avqa_core.data import folder
from avqa_core.experiments import networks
from avqa_core.studies import corruption
from avqa_core.viz import audit_views, corruption_views, style

profiles.require_package("0.1")
style.use_style()

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # of the noise
num_seeds: Optional[int] = None  # not used: the kept networks have theirs
device: Optional[str] = None  # auto, cpu or cuda
data_dir: Optional[str] = None  # a data folder; none: the built-in world
out_dir: Optional[str] = None  # where this page may write
num_questions: Optional[int] = None  # that each network is asked

# %%
run = profiles.resolve(
    "14_corrupted_is_not_missing",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    num_questions=num_questions,
)
data = folder.DataFolder(profiles.world(run.profile, run.data_dir))
kept = networks.runs_of("complete/plain", "book")
counted = experiments.stored("book", missing_ok=True)
print(run)

# %% [markdown]
# ## The finding first: noise on a half, beside its absence
#
# When the released program tests with a half "missing", the real half goes in all the same, with Gaussian
# noise added, of deviation {glue:text}`noise_audio` for the sound and {glue:text}`noise_visual` for the
# picture; the branch of the {term}`RMM generator` is switched off there. How much easier is that than
# having nothing? Below, AVST as published, never trained for absence, no {term}`completer`, no
# {term}`enhancer`: what a test gives before any method has done anything.

# %% mystnb={"figure": {"caption": "One network, two tests: one half with noise added to its feature, and that half really gone. The released program adds noise of 0.3 to the sound and 0.7 to the picture. AVST as published on test questions of the built-in world. Dots: networks of different seeds; bars: 95 % interval.", "name": "fig-corruption"}, "image": {"alt": "Two panels, audio missing and visual missing: accuracy in percent over the deviation of the noise. One line for the half with noise, which falls with more noise, one flat line for the half absent."}}
levels = (0.0, *corruption.RELEASED.values(), 1.5, 3.0)
asked = corruption.study(
    data,
    list(kept.values()),
    levels=levels,
    num_questions=run.num_questions,
    seed=run.seed,
    device=run.device,
)
for name, said in corruption_views.corruption_words(asked).items():
    glue(name, said, display=False)
for half, level in corruption.RELEASED.items():
    glue(f"noise_{half}", f"{level:g}", display=False)
for name, said in corruption_views.bound_words(counted).items():
    glue(name, said, display=False)
corruption_views.corruption_figure(asked)

# %% [markdown]
# | | both present | half gone | half with noise | given back | of what its absence costs |
# |---|---|---|---|---|---|
# | sound | {glue:text}`untouched_audio` | {glue:text}`absent_audio` | {glue:text}`released_audio` | {glue:text}`gained_audio` | {glue:text}`of_loss_audio` |
# | picture | {glue:text}`untouched_visual` | {glue:text}`absent_visual` | {glue:text}`released_visual` | {glue:text}`gained_visual` | {glue:text}`of_loss_visual` |
#
# The question alone gives {glue:text}`floor_here`; a perfect observer without the sound reaches
# {glue:text}`ceiling_audio`, without the picture {glue:text}`ceiling_visual`.
#
# Such a test gives back that much without any method. It says how a network copes with a *noisy* half, which
# is a question of its own, and a good one; it says nothing of a half that is not there. So this book keeps two
# words apart, {term}`absent` and {term}`corruption`, and its networks are tested with the former:
# a contract puts *not a number* in the place of every absent value.

# %% [markdown]
# Noise here is in deviations of the feature that the network reads, $f^a$ or $f^v$. The program adds the same
# numbers in the units of its own features, so on those the noise may be a smaller or a larger part. The figure
# shows what other sizes do.

# %% [markdown]
# ## Was Table 1 made in this way?
#
# It cannot be told. The logs that were released with the program are of such tests; they end near Table 1 but
# not at it ({doc}`07_what_the_tables_can_tell`). The paper describes the RMM generator as what stands in for
# the missing half.

# %% [markdown]
# ## Paper and released program, point by point
#
# Formulas and programs can differ, in every project; where they do, somebody who builds on the paper
# has to choose. The points below come from reading both. *Field here* is the setting of this package
# that makes the choice, so that each is an experiment; the last column names the test that shows what
# the setting does. Where no field is named, the text says what happens here.

# %%
stored = profiles.checkout() / "book" / "results" / "paper"
choices = program.program_points(stored / "released_program.csv")
glue("num_points", str(len(choices)), display=False)
differing = sum(
    one.chosen is not None and len(set(one.chosen)) > 1 for one in choices
)
glue("num_differing", str(differing), display=False)
audit_views.points_table(
    choices,
    caption="The paper, its released program, and this package; tests are "
    "named below the folder tests.",
)

# %% [markdown]
# The presets `paper` and `released_code` differ in {glue:text}`num_differing` of these
# {glue:text}`num_points` points. The addressing is measured in {doc}`02_slot_addressing`; schedule,
# target and start in {doc}`03_avr_diffusion`; its addressing beside a frozen backbone in
# {doc}`13_where_recall_helps`; its comparing loss in {doc}`05_ablations`. The program as a whole was not run.

# %% [markdown]
# ## Try it
#
# :::{exercise}
# :label: exercise-given-back
#
# Write `given_back(corrupted, absent, complete)`: three accuracies; return how much of what the absence
# of a half costs is given back when the half is only corrupted. What does it mean if it is negative?
# :::

# %% [markdown]
# :::{solution-start} exercise-given-back
# :class: dropdown
# :::
#
# Negative: the network would do better if it were told that the half is gone.


# %%
def given_back(corrupted: float, absent: float, complete: float) -> float:
    """Return the share of the loss that is given back; 1: nothing is lost any more."""
    return (corrupted - absent) / (complete - absent)


print(checks.recovered_share(given_back))

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Summary
#
# - With noise of {glue:text}`noise_audio` deviations on a "missing" sound AVST as published answers
#   {glue:text}`released_audio`, of {glue:text}`noise_visual` on the picture {glue:text}`released_visual`; with
#   the half gone, {glue:text}`absent_audio` and {glue:text}`absent_visual` ({numref}`fig-corruption`).
# - That gives back {glue:text}`of_loss_audio` and {glue:text}`of_loss_visual` of what the absence costs.
# - The presets `paper` and `released_code` differ in {glue:text}`num_differing` of
#   {glue:text}`num_points` points.
#
# ## Limits
#
# The built-in world, one backbone, features of small encoders; on MUSIC-AVQA noise of the same size may cost
# more. The program's chain of diffusion, which follows there, was left out: what it adds to a noisy half was
# not measured.
#
# **Next**: {doc}`10_sensors_in_the_field`, where sensors do fail.
