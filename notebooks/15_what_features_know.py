# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Is it the features, or what is made of them?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** an observer that answers by weighted sums of the frozen features and the rules of
#   {term}`Bandstand`, beside networks that learned from answers; and what such learning lacks.
# - **Belongs to** no claim of {cite:t}`park2024learning`: it tells what may be expected of any
#   {term}`backbone` here, nothing being {term}`absent`.
# - **Time** at most 60 s on two CPU cores in profile `book`; all but the stored networks is live.
# - **Data** {term}`Bandstand`, whose scenes are known; no other data will do.
# - **Read before** {doc}`01_bandstand`, {doc}`12_how_a_network_starts`.
# :::

# %% tags=["hide-input"]
from typing import Optional

from myst_nb import glue

from avqa_core import checks, experiments, profiles
from avqa_core.data import folder
from avqa_core.studies import counting_rule, readings
from avqa_core.viz import reading_views as views
from avqa_core.viz import style

profiles.require_package("0.1")
style.use_style()

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # the first one of the small networks
num_seeds: Optional[int] = None  # of the small networks
device: Optional[str] = None  # not used: all of it is small
data_dir: Optional[str] = None  # a data folder; none: the built-in world
out_dir: Optional[str] = None  # where this page may write
num_clips: Optional[int] = (
    None  # of the training split, that maps are fitted on
)
few_questions: Optional[int] = None  # that the small networks learn from
many_questions: Optional[int] = None  # likewise
few_steps: Optional[int] = None  # of the short lessons
many_steps: Optional[int] = None  # of the long lesson
results: Optional[str] = None  # profile of the stored results

# %%
run = profiles.resolve(
    "15_what_features_know",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    num_clips=num_clips,
    few_questions=few_questions,
    many_questions=many_questions,
    few_steps=few_steps,
    many_steps=many_steps,
    results=results,
)
data = folder.DataFolder(profiles.world(run.profile, run.data_dir))
stored = experiments.stored(run.results, missing_ok=True)
print(f"{run}; {len(stored)} stored runs, {stored.date}")

# %% [markdown]
# ## The finding first: the features know nearly everything
#
# With both senses present the {term}`ceiling` is at 100 %, and no network here reaches it. Either the frozen encoders lost the facts, or the networks do not find the way from facts to
# answers. **Hypothesis**: the encoders lost them. Then no reader of these features does much better than the
# networks.
#
# So we read each fact by one *linear* map, fitted on training clips whose scenes are known: who stands where
# and when they move, from the picture; who sounds when, how loudly and how fast, from the sound. Then the
# rules of the world give the answer. **Predict**: how much is left of the 100 %?

# %% mystnb={"figure": {"caption": "Test questions answered from the frozen features, nothing missing. Observer: linear readings of the facts, then the rules of the world; its control gets the readings of another clip. Networks: stored results, dots are seeds, bars 95 % intervals. The observer has no seeds: its fit starts from zero.", "name": "fig-readings"}, "image": {"alt": "One row for each of nine question categories with four marks along accuracy in percent. The observer lies near one hundred percent in every row; the published AVST and AVST with the reader lie left of it, furthest in Audio-Visual Counting; the control with readings of another clip lies far to the left."}}
answered = readings.study(data, num_clips=run.num_clips, seed=run.seed)
for name, said in views.reading_words(answered, stored).items():
    glue(name, said, display=False)
views.reading_figure(answered, stored)

# %% [markdown]
# From maps fitted on {glue:text}`num_fitted` clips the observer answers {glue:text}`readings` of all test
# questions (95 % over clips), where AVST as published answers {glue:text}`network` and AVST with the reader
# of `recommended` {glue:text}`reader`. The hypothesis is {glue:text}`features_verdict`; frozen features
# cost no more than the {glue:text}`lost` points that are missing, {glue:text}`lost_at_most` at the end of the interval. With the readings of another clip the same rules answer
# {glue:text}`other_clip`: it is the clip that tells, not the rules.
#
# The observer is no method. It was told the facts of training clips and the rules, which no network is.

# %% [markdown]
# ## Is it lost where the places are averaged?
#
# {doc}`12_how_a_network_starts` leaves one category unexplained that needs no order: Audio-Visual Counting,
# {glue:text}`network_counting` by AVST as published, {glue:text}`reader_counting` with the reader. AVST looks
# at one weighted mean of the places. **Hypothesis**: in a mean nobody can tell who plays what.
#
# Take *plain* means, over all places and all seconds. Read linearly and answered exactly, they give
# {glue:text}`counting_means` of these questions; place by place and second by second it is
# {glue:text}`counting` (95 % over clips). This hypothesis is {glue:text}`means_verdict`. These encoders were
# trained for linear reading, also of how many play each instrument, and a sum survives a mean.

# %% [markdown]
# ## What answers alone teach
#
# What is left is learning. The answer is a sum over instruments of a *product*: players seen, if the same
# instrument is heard. Nobody tells a network that a flute seen and a flute heard belong together; it has to
# find that out for each of 22 instruments, from counts.
#
# **Hypothesis**: the product is what is hard, so being told it helps more than being told the facts. Small
# networks, equal but for what they are told of a clip, learn these questions and no others, for a short and
# for a long time. **Predict**: how far does one come that is told all *facts*?

# %%
lessons = [
    counting_rule.Lesson(num_questions=questions, num_steps=steps)
    for questions, steps in (
        (run.few_questions, run.few_steps),
        (run.many_questions, run.few_steps),
        (run.many_questions, run.many_steps),
    )
]
learned = counting_rule.study(data, lessons=lessons, seeds=run.seeds)
for name, said in views.rule_words(learned).items():
    glue(name, said, display=False)
views.rule_table(
    learned,
    caption="Audio-Visual Counting, learned from answers alone: accuracy on "
    "new clips and on the clips learned from, mean and 95 % interval over "
    "seeds.",
)

# %% [markdown]
# {glue:text}`short_questions` questions, {glue:text}`short_steps` steps: from averaged features
# {glue:text}`short_means`; told the facts, {glue:text}`short_facts_gain`; told the product as well,
# {glue:text}`short_joined_gain`. The same questions, {glue:text}`long_steps` steps: {glue:text}`long_means`; the
# facts bring {glue:text}`long_facts_gain`, the product {glue:text}`long_joined_gain`.
#
# The hypothesis {glue:text}`short_verdict` after the short lesson and {glue:text}`long_verdict` after the long
# one. Given time, a network that is told the facts comes to {glue:text}`long_facts` and finds the product by
# itself. What a part seems worth depends on how long everything else has learned: an earlier form of this page
# had one lesson, short and slow, in which the product was worth as much as the facts, and blamed it.

# %% [markdown]
# What is hard is the step before: from features to facts. After the long lesson a network that reads averaged
# features answers {glue:text}`long_means_own` of the questions that it learned from, and {glue:text}`long_means`
# on new clips; after {glue:text}`few_questions` questions {glue:text}`few_means_own` and {glue:text}`few_means`.
# It remembers clips. The same features, read by a linear map that was told the facts of
# {glue:text}`num_fitted` clips, give {glue:text}`counting_means`: a count says how many, never *who*.
#
# So a network that should count would want many more questions, or to be told who is there and who is heard,
# before it wants better features. That was not tried with a backbone.

# %% [markdown]
# ## Paper and us
#
# The paper freezes its encoders as well, and counts as MUSIC-AVQA does. Whether *its* features know more than
# its networks say cannot be told from here: nobody knows the facts of real clips. What carries over is the
# question, and a way to ask it.

# %% [markdown]
# ## Try it
#
# :::{exercise}
# :label: exercise-sounding
#
# Write the rule: `sounding(players, heard)`, both `[clips, instruments]`, how many players of each
# instrument are on stage and whether it is heard. Return how many players sound, one number a clip.
# :::

# %% [markdown]
# :::{solution-start} exercise-sounding
# :class: dropdown
# :::
#
# One product and one sum: what the third network was spared, and the second finds given time.


# %%
def sounding(players, heard):
    """Return how many of the players on stage are heard, clip by clip."""
    return (players * heard).sum(dim=-1)


verdict = checks.sounding_players(sounding)
assert verdict, verdict
verdict

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Summary
#
# - Linear readings of the frozen features, answered by rules, give {glue:text}`readings` of all test
#   questions; AVST as published gives {glue:text}`network` ({numref}`fig-readings`).
# - In Audio-Visual Counting {glue:text}`counting`, and {glue:text}`counting_means` from plain means, against
#   {glue:text}`network_counting`: that features lost it is {glue:text}`features_verdict`, that means lose it
#   {glue:text}`means_verdict`.
# - Learned from {glue:text}`long_questions` answers: {glue:text}`long_means` from averaged features,
#   {glue:text}`long_facts` from facts, {glue:text}`long_joined` from facts with their products. That the product
#   is what is hard {glue:text}`short_verdict` after {glue:text}`short_steps` steps and
#   {glue:text}`long_verdict` after {glue:text}`long_steps`.
#
# **Limits**: encoders that were trained for linear reading; small networks, on one category; the ceiling with a half missing was not taken apart like this.
#
# **Next**: {doc}`10_sensors_in_the_field`.
