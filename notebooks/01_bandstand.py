# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What do sight, sound and words each know?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see and hear** {term}`Bandstand`, the world that every chapter runs on, and how much of
#   its questions can be answered when half of a clip is {term}`absent`.
# - **Belongs to** Sec. 1 and 4.1 of {cite:t}`park2024learning`, and to MUSIC-AVQA
#   {cite:p}`li2022learning`, whose questions and file formats Bandstand takes over.
# - **Time** at most 30 s on two CPU cores in profile `book`, and on a GPU: nothing here uses one.
# - **Data** the built-in world of the profile, built once.
# - **Read before** {doc}`../book/how_to_run`.
# :::

# %% tags=["hide-input"]
import csv
from typing import Optional

import numpy as np
from myst_nb import glue

from avqa_core import checks, profiles, rng
from avqa_core.bandstand import bounds, encoders, knobs, sampling, world
from avqa_core.data import folder as folders
from avqa_core.studies import coupling
from avqa_core.viz import figures, media, style, tables, world_views

profiles.require_package("0.1")
style.use_style()

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # first seed
num_seeds: Optional[int] = None  # how many groups of clips are drawn
device: Optional[str] = None  # auto, cpu or cuda
data_dir: Optional[str] = None  # a Bandstand folder; none: the built-in one
out_dir: Optional[str] = None  # where this page may write
num_cards: Optional[int] = None  # clips to look at and listen to
num_acts: Optional[int] = None  # acts drawn for each point of the coupling
clips_per_seed: Optional[int] = None  # clips behind each ceiling
num_draws: Optional[int] = None  # scenes that the perfect observer imagines

# %%
run = profiles.resolve(
    "01_bandstand",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    num_cards=num_cards,
    num_acts=num_acts,
    clips_per_seed=clips_per_seed,
    num_draws=num_draws,
)
bandstand = profiles.world(run.profile, run.data_dir)
print(run)

# %% [markdown]
# ## The finding first: what is gone caps every observer
#
# A *perfect observer* knows how the world is made, and every fact of the half that is present; of the
# other half it knows what the world makes likely. Its accuracy is the {term}`ceiling`. The
# {term}`floor` knows the question alone: the most common answer to questions of its kind.

# %% mystnb={"figure": {"caption": "Between floor and ceiling lies all that a method can win; what the present half tells needs no recall. Ceilings of a perfect observer of the half that is present, by question category, on the test questions of this world; the floor is a look-up table fitted on the training questions. With both halves present every ceiling is at 100 %.", "name": "fig-known"}, "image": {"alt": "One row for each of nine question categories. On each row four marks along accuracy in percent: the floor, the ceiling with both halves missing, with the audio missing, and with the picture missing. Audio questions lose most without audio, visual questions most without the picture."}}
ceilings = bounds.Ceilings.read(bandstand / "ceiling.json")
floors = bounds.Floors.read(bandstand / "floor.json")
missing = ("both_missing", "audio_missing", "visual_missing")
known = {name: ceilings.by_category(name) for name in missing}
known["floor"] = floors.by_category()
figures.marked_rows(
    {
        category: {name: [100 * known[name][category]] for name in known}
        for category in known["floor"]
    },
    xlabel="accuracy (%)",
    xlim=(0, 103),
    labels={"floor": "floor: the question alone"},
)

# %% tags=["hide-input"]
for name in missing:
    overall = ceilings.overall(name)
    glue(f"ceiling_{name}", 100 * overall.chance, display=False)
floor = floors.overall()
glue("floor", 100 * floor.correct / floor.total, display=False)
glue("num_test", floor.total, display=False)

# %% [markdown]
# Over all {glue:text}`num_test` test questions the question alone gives {glue:text}`floor:.1f` %. Who
# only sees can reach {glue:text}`ceiling_audio_missing:.1f` %, who only hears
# {glue:text}`ceiling_visual_missing:.1f` %. No {term}`completer`, however clever, can be expected beyond
# these lines: an accuracy means little until it is read between them. They are expectations; on so many
# questions a method, or the floor, may by chance lie a little beyond.

# %% [markdown]
# ## Look and listen
#
# Three places on a stage, up to three players at each, 22 instruments. Some play, some only pose; some
# sounds come from nobody you see; sometimes somebody talks over the music. One picture a second; each
# clip also comes in words.

# %%
scenes = world.read_scenes(bandstand, "test")[: run.num_cards]
shown = [media.rendered(scene) for scene in scenes]
media_url = f"{run.media_dir.name}/"
files = media.write_media(run.media_dir, shown, url=media_url)
world_views.scene_cards(scenes, files, first=shown[0])

# %% [markdown]
# **Predict**: play the first clip with your eyes shut. How many sounds do you hear at once, and how many
# players will you see? Then look: the lanes below tell both.

# %% [markdown]
# ### One clip, all its facts
#
# A clip is made from facts, and from nothing else: who stands where and moves when, what sounds when
# and how loudly. Here they are beside what a network gets: one picture and one patch of the log-mel
# spectrogram a second.

# %% mystnb={"figure": {"caption": "The first clip: its pictures, its loudness, its log-mel spectrogram, and the facts behind them. Blue: seen to play. Hatched: heard.", "name": "fig-facts"}, "image": {"alt": "From top to bottom on one time axis of ten seconds: ten small pictures of a stage, the loudness of the sound, its spectrogram, and a lane for each player and each sound that is filled while it plays."}}
world_views.scene_strip(scenes[0], shown[0], with_log_mel=True)

# %% [markdown]
# Every question about a clip is one of MUSIC-AVQA's 33 templates in nine categories; its answer is
# computed from the facts. A question that the facts leave open is not asked.

# %% tags=["hide-input"]
data = folders.DataFolder(bandstand)
test = data.examples("test")
asked = [one for one in test if one.video_id == scenes[0].clip_id]
tables.table(
    [
        tables.Column("category", "category"),
        tables.Column("question", "question"),
        tables.Column("answer", "answer"),
    ],
    [
        {
            "category": str(one.category),
            "question": one.question,
            "answer": one.answer,
        }
        for one in asked[:8]
    ],
    caption="Questions about the first clip, as they stand in the file.",
)

# %% [markdown]
# ## A linked act sounds as it looks
#
# A clip has {glue:text}`acts_of_a_clip` *acts*, each with a seen half and a heard half. With
# probability $\kappa$, the {term}`coupling`, an act is *linked*: both halves are one draw. Otherwise
# it mimes to a playback: two independent draws from the same distribution. A fact with $n$ equally
# likely values then agrees with probability
#
# $$
# P(\text{heard} = \text{seen}) = \kappa + \frac{1 - \kappa}{n} .
# $$
#
# **Predict**: one fact is seen as the size of the players, near or far, and heard as loudness. It has
# three values. How often does a listener guess the size rightly at $\kappa = 0$?


# %%
def agreement(kappa: float, fact: str, one_seed: int) -> float:
    """Return how often both halves of an act agree on a fact, in percent."""
    generator = np.random.default_rng(rng.derive(one_seed, "acts"))
    config = knobs.WorldConfig(coupling=kappa)
    num_clips = run.num_acts // config.num_acts
    drawn = sampling.sample_joint(config, num_clips, generator)
    same = getattr(drawn.seen, fact) == getattr(drawn.heard, fact)
    return 100 * float(same.mean())


kappas = [0.0, 0.25, 0.5, 0.75, 1.0]
num_values = {"strength": 3, "pace": 2}
agreements = {
    fact: {
        kappa: [agreement(kappa, fact, one) for one in run.seeds]
        for kappa in kappas
    }
    for fact in num_values
}

# %% mystnb={"figure": {"caption": "Both halves of an act agree as often as the formula says. Marks: mean over seeds with 95 % interval, dots: single seeds; dotted: the formula for three and for two values.", "name": "fig-agreement"}, "image": {"alt": "Line plot of agreement in percent over coupling from 0 to 1. The line for a fact with three values rises straight from a third to one hundred percent, that for two values from a half; the dotted formula lies on both."}}
figure = figures.seed_lines(
    agreements,
    xlabel="coupling",
    ylabel="heard agrees with seen (%)",
    ylim=(0, 104),
    labels={
        "strength": "loudness and size (3 values)",
        "pace": "tempo and vigour (2 values)",
    },
)
for n in num_values.values():
    formula = [100 * (kappa + (1 - kappa) / n) for kappa in kappas]
    figure.axes[0].plot(kappas, formula, ":", color="black", zorder=5)
figure

# %% tags=["hide-input"]
off = max(
    abs(np.mean(found) - 100 * (kappa + (1 - kappa) / num_values[fact]))
    for fact, points in agreements.items()
    for kappa, found in points.items()
)
error_bar = 50 / np.sqrt(run.num_acts * run.num_seeds)
assert off < 4 * error_bar, f"{off:.2f} points away from the formula"
glue("off_formula", float(off), display=False)
glue(
    "guess_at_zero", float(np.mean(agreements["strength"][0.0])), display=False
)

# %% [markdown]
# At $\kappa = 0$ the guess is right in {glue:text}`guess_at_zero:.1f` % of acts: chance. Everywhere the
# formula holds to {glue:text}`off_formula:.2f` points.
#
# Turn the coupling up yourself: the same clip, drawn at five couplings. Watch the lanes fall into step.

# %% mystnb={"figure": {"caption": "One clip at five couplings: what is seen to play (blue) and what is heard (hatched). At 0 the lanes have nothing to do with each other, at 1 every player is heard just when seen to play.", "name": "fig-coupled-clip"}}
world_views.coupling_slider(scenes[0].clip_id, kappas, seed=run.seed)

# %% [markdown]
# ## Coupling moves the ceiling
#
# If sight tells nothing about sound, no network can recall sound from sight. So coupling is the axis
# on which recall can be studied at all. For each value we draw clips anew, ask about them, and let the
# perfect observer imagine the absent half: it draws whole scenes that fit what is present, and takes
# the answer that most of them give.

# %%
group = {
    one: world.clip_ids("test", (one + 1) * run.clips_per_seed)
    for one in run.seeds
}
by_coupling: dict = {"audio_missing": {}, "visual_missing": {}}
for kappa in kappas:
    config = knobs.WorldConfig(coupling=kappa)
    for ids in group.values():
        found = coupling.chances(
            config,
            ids[-run.clips_per_seed :],
            list(by_coupling),
            num_draws=run.num_draws,
        )
        for name, chance in found.items():
            by_coupling[name].setdefault(kappa, []).append(100 * chance)

# %% mystnb={"figure": {"caption": "The more sight and sound depend on each other, the more of an absent half can be known. Ceilings over the coupling; dots: disjoint groups of clips, one a seed; bars: 95 % interval of their mean; dashed: the floor of the built-in world. The other chapters use the coupling of their world.", "name": "fig-coupling"}, "image": {"alt": "Line plot of the ceiling in percent over coupling from 0 to 1, one line for audio missing and one for picture missing. Both rise with the coupling and stay above the dashed floor."}}
figures.seed_lines(
    by_coupling,
    xlabel="coupling",
    ylabel="ceiling (%)",
    ylim=(0, 104),
    references={"floor": 100 * floor.correct / floor.total},
)

# %% tags=["hide-input"]
for name, points in by_coupling.items():
    for kappa in (0.0, 1.0):
        glue(
            f"{name}_{kappa:.0f}", float(np.mean(points[kappa])), display=False
        )
glue("coupling", world.read_config(bandstand).coupling, display=False)
glue("acts_of_a_clip", world.read_config(bandstand).num_acts, display=False)

# %% [markdown]
# From no coupling to full, the ceiling without sound climbs from {glue:text}`audio_missing_0:.0f` % to
# {glue:text}`audio_missing_1:.0f` %, that without the picture from {glue:text}`visual_missing_0:.0f` %
# to {glue:text}`visual_missing_1:.0f` %. The built-in world stands at {glue:text}`coupling:.1f`.

# %% [markdown]
# ## What the networks get to see and hear
#
# A perfect observer knows facts; a network gets features. Two small convolutional networks play the
# parts of ResNet-18 {cite:p}`he2016deep` and VGGish {cite:p}`hershey2017cnn`. They were trained once,
# on scenes that are in no split, and frozen. How much of the facts is left in their features?

# %% mystnb={"figure": {"caption": "How often a linear head finds an instrument in the features of one segment, on scenes that the encoders never saw: seen among the players, and heard among the sources. One training run; its recipe is stored with the weights.", "name": "fig-encoders"}, "image": {"alt": "One row for each of 22 instruments with two marks along accuracy in percent: a square for seen and a triangle for heard. Most squares lie near one hundred percent; most triangles lie lower and spread more."}}
scores = encoders.load_recipe()["scores"]
figures.marked_rows(
    world_views.scores_by_instrument(scores),
    xlabel="held-out accuracy (%)",
    xlim=(0, 103),
    labels={"visual": "seen", "audio": "heard"},
)

# %% tags=["hide-input"]
for name, key in (
    ("seen", "visual: instrument"),
    ("heard", "audio: heard, up to 3 sources"),
    ("playing", "visual: playing"),
):
    glue(f"encoder_{name}", 100 * float(scores[key]), display=False)
stored = data.store[scenes[0].clip_id]
for name, array in stored.items():
    print(f"{name}: {' x '.join(map(str, array.shape))} {array.dtype}")

# %% [markdown]
# Over all instruments {glue:text}`encoder_seen:.1f` % are recognised by sight and
# {glue:text}`encoder_heard:.1f` % by ear; whether somebody plays is seen in
# {glue:text}`encoder_playing:.1f` %. Each is read from one second; how little of a whole
# clip's answers is lost, {doc}`15_what_features_know` measures.
# The two arrays are all that is stored of a clip: $T \times D$ and $T \times E \times H \times W$.

# %% [markdown]
# ## Paper and us: the questions are the same, the clips are not

# %% tags=["hide-input"]
with (profiles.checkout() / "book/results/paper/music_avqa.csv").open() as file:
    theirs = list(csv.DictReader(file))
ours = world_views.world_facts(bandstand)
tables.table(
    [
        tables.Column("fact", "fact"),
        tables.Column("paper", "MUSIC-AVQA"),
        tables.Column("ours", "Bandstand"),
        tables.Column("verdict", "verdict"),
        tables.Column("source", "source of theirs"),
    ],
    world_views.compared(theirs, ours),
    caption="MUSIC-AVQA and this world, counted by code.",
)

# %% [markdown]
# Templates, categories and answers are those of MUSIC-AVQA, so one loader serves both. Pictures and
# sound are drawn: accuracies and sizes of differences do not compare, signs of differences may.

# %% [markdown]
# ## Try it
#
# :::{exercise}
# :label: ex-floor
#
# The floor needs no network. Write `most_common(examples)`: a table from `example.template` to the
# most common `example.answer` among `examples`. How often is it right on the questions it was made
# from?
# :::

# %% [markdown]
# :::{solution-start} ex-floor
# :class: dropdown
# :::


# %%
def most_common(examples):
    """Return the most common answer to each template."""
    answers: dict[str, list[str]] = {}
    for one in examples:
        answers.setdefault(one.template, []).append(one.answer)
    return {
        template: max(sorted(set(given)), key=given.count)
        for template, given in answers.items()
    }


verdict = checks.most_common_answers(most_common, test)
assert verdict, verdict
verdict

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Summary
#
# - The question alone answers {glue:text}`floor:.1f` % of {glue:text}`num_test` questions; a perfect
#   viewer reaches {glue:text}`ceiling_audio_missing:.1f` %, a perfect listener
#   {glue:text}`ceiling_visual_missing:.1f` % ({numref}`fig-known`).
# - {term}`Coupling <coupling>` decides what can be recalled at all: without it, chance
#   ({numref}`fig-agreement`); with all of it, the ceiling without sound is
#   {glue:text}`audio_missing_1:.0f` % ({numref}`fig-coupling`).
# - The frozen encoders keep {glue:text}`encoder_seen:.1f` % of the instruments by sight and
#   {glue:text}`encoder_heard:.1f` % by ear ({numref}`fig-encoders`).
#
# **Limits**: a drawn stage is simpler than a filmed one, and its ceilings hold for its generator only.
# **Next**: {doc}`02_slot_addressing` asks how a network recalls the half that is gone.
