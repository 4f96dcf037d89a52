# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Does it help any backbone, or just one?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** four networks that answer questions about clips; every printed row of Table 1 beside
#   our run, where one is stored; what each costs; all four learning live, once with
#   fixed answers and once with four candidates to choose from.
# - **Belongs to** Tables 1 and 2 of {cite:t}`park2024learning`.
# - **Time** at most 30 s on two CPU cores in profile `book`: small networks are trained live, methods
#   and seeds are read from stored runs, as far as there are any.
# - **Data** {term}`Bandstand`, built once.
# - **Read before** {doc}`05_ablations`.
# :::

# %% tags=["hide-input"]
from typing import Optional

import torch
from myst_nb import glue

from avqa_core import (
    bounds,
    checks,
    claims,
    evaluation,
    experiments,
    ledger,
    profiles,
)
from avqa_core.data import dataset, folder, vocabulary
from avqa_core.studies import cost, trials

# %% tags=["hide-input"]
from avqa_core.viz import (
    ablation_views,
    filling_views,
    method_words,
    paper_rows,
    report_views,
    style,
)
from avqa_core.viz import method_views as views

profiles.require_package("0.1")
style.use_style()

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # of everything random in the live part
num_seeds: Optional[int] = None  # stored runs have seeds of their own
device: Optional[str] = None  # auto, cpu or cuda
data_dir: Optional[str] = None  # a Bandstand folder; none: the built-in one
out_dir: Optional[str] = None  # where this page may write
size: Optional[str] = None  # tiny, book, full or paper: of the live networks
cost_size: Optional[str] = None  # likewise: of the networks whose cost is told
num_clips: Optional[int] = None  # clips that the live networks learn from
num_test_clips: Optional[int] = None  # clips that they are tested on
num_steps: Optional[int] = None  # steps of each live network
batch_size: Optional[int] = None  # questions a step
results: Optional[str] = None  # profile of the stored runs

# %%
run = profiles.resolve(
    "08_four_backbones",
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
    num_steps=num_steps,
    batch_size=batch_size,
    results=results,
)
stored = experiments.stored(run.results, missing_ok=True)
words = method_words.table1_words(stored)
for name, said in words.items():
    glue(name, said, display=False)
print(f"{run}; {words['stored_runs']} runs of Table 1 are stored")

# %% [markdown]
# ## The finding first: every row of Table 1
#
# The paper puts its method around four networks and prints a gain for each. Below stands every printed
# row with a verdict. Of a completed network it is on the paper's claim, *over plain*; of a plain one the
# paper claims nothing, and *our check* is whether it is *over the floor*, what the question alone gives.
# Levels of the two worlds cannot be compared; a sign here says what a method can do, not what it does on
# real recordings.
#
# Stored are {glue:text}`stored_runs` runs of this table. A row without its run keeps the paper's
# value and says *not run*.

# %%
paper_rows.rows_table(
    stored,
    paper_rows.table1_rows(),
    caption="Table 1 of Park et al. (2024), MUSIC-AVQA, one run each; ours on "
    "Bandstand, mean over seeds with its 95 % interval, all seeds counted.",
)

# %% [markdown]
# **What is stored, and what is not.** Each network learns complete clips first, for
# {glue:text}`steps_plain` steps, of which the first move its answer layer alone
# ({doc}`12_how_a_network_starts`). AVST's rows are those of Tables 3 and 4, the very same runs: it learned
# for {glue:text}`steps_avst`, so compare methods around one network, not networks. From there three methods
# go on for {glue:text}`steps_methods` steps each: trained for absence with zeros ({term}`modality dropout`, the {term}`control`), the paper's
# {term}`RMM generator` with {term}`AVR diffusion`, and the completer of `recommended`.

# %% tags=["hide-input"]
paper_rows.stored_table(
    stored,
    views.table1_names(),
    method_words.num_planned(run.results),
    caption=f"The runs of Table 1 in the stored results of profile "
    f"{run.results}.",
)

# %% tags=["hide-input"]
paper_rows.missing_box(
    stored, views.table1_names(), method_words.num_planned(run.results)
)

# %% [markdown]
# ## Each network with every method
#
# The paper compares with networks that never missed anything. The control has seen what the
# completed ones have seen: if it wins as much, the gain is that of training for absence.

# %% mystnb={"figure": {"caption": "Four backbones with the audio missing, each with every method, between floor and ceiling. Dots: seeds; bars: 95 % interval of their mean. What is not stored is not drawn.", "name": "fig-backbones-audio"}, "image": {"alt": "One row for each backbone with accuracy in percent of the plain network, modality dropout, RMM and AVR, and recommended as marks on a bar from floor to ceiling."}}
views.backbones_figure(stored, "audio_missing")

# %% mystnb={"figure": {"caption": "The same with the picture missing.", "name": "fig-backbones-visual"}, "image": {"alt": "One row for each backbone with accuracy in percent of the same four methods with the picture missing, on a bar from floor to ceiling."}}
views.backbones_figure(stored, "visual_missing")

# %%
views.lifts_table(
    stored,
    caption="What each method adds to the plain backbone, in points, paired by "
    "seed with its 95 % interval; how many seeds both have, where it is not all.",
)

# %% [markdown]
# RMM and AVR over the plain network, audio missing, ours and (as printed): AVSD
# {glue:text}`paper_avsd_audio_missing` ({glue:text}`printed_avsd_audio_missing`), Pano-AVQA
# {glue:text}`paper_pano_avqa_audio_missing` ({glue:text}`printed_pano_avqa_audio_missing`), AVST
# {glue:text}`paper_avst_audio_missing` ({glue:text}`printed_avst_audio_missing`), PSTP-Net
# {glue:text}`paper_pstp_net_audio_missing` ({glue:text}`printed_pstp_net_audio_missing`).
# Of the printed plain rows, those of three networks were scored on another release of the test file
# than all others ({doc}`07_what_the_tables_can_tell`).

# %% [markdown]
# ## Four networks, one contract
#
# A backbone is two functions, the second with an `answer_layer` at its end, and a {term}`completer`
# stands between them:
#
# $$
# (f^a, f^v, f^t) = \mathrm{encode}(\text{clip}, \text{question}) , \qquad
# z = \mathrm{answer}(\hat f^a, \hat f^v, f^t) .
# $$
#
# - **AVSD** {cite:p}`schwartz2019simple`: question, four frames and sound vote on each other's elements.
# - **Pano-AVQA** {cite:p}`yun2021pano`: three transformers, then layers in which they look at each
#   other.
# - **AVST** {cite:p}`li2022learning`: sound grounds itself in each frame, the question in time.
# - **PSTP-Net** {cite:p}`li2023progressive`: the question picks segments, then places; sound looks there.

# %%
data = folder.DataFolder(profiles.world(run.profile, run.data_dir))
asked = {
    split: trials.about_clips(data.examples(split), number)
    for split, number in (
        ("train", run.num_clips),
        ("val", run.num_test_clips),
        ("test", run.num_test_clips),
    )
}
sets = {
    split: dataset.QADataset(of, data.store, data.vocabulary, cache=True)
    for split, of in asked.items()
}
print({split: len(of) for split, of in sets.items()})

# %%
networks = {
    name: trials.briefly(
        views.plain_model(backbone, run.size),
        sets["train"],
        num_steps=run.num_steps,
        batch_size=run.batch_size,
        seed=run.seed,
        device=run.device,
    )
    for backbone, name in views.NAMES.items()
}
batch = sets["test"].batch([0, 1]).to(run.device)
for name, one in networks.items():
    with torch.no_grad():
        features = one.model.encode(batch)
        logits = one.model.backbone.answer(features).logits
    shapes = (features.audio, features.visual, features.question, logits)
    print(f"{name:10s}", *(list(of.shape) for of in shapes))

# %% [markdown]
# The shapes, $f^a$, $f^v$, $f^t$ and $z$ of two questions, are the same for all four. So is what they
# promise: no value of an absent half reaches an answer, rows do not mix, a seed decides everything.

# %%
promises = {
    name: trials.contracts_of(backbone)
    for backbone, name in views.NAMES.items()
}
filling_views.contracts_matrix(
    promises,
    caption="Each contract tried on each backbone, small, fed with zeros.",
)

# %% [markdown]
# ## They learn, on this page
#
# Each has just taken the same {glue:text}`live_steps` steps on complete clips, and is now asked about
# new clips, some of them without sound or picture. **Predict**: do so few steps reach the floor?

# %%
scenarios = ["complete", "audio_missing", "visual_missing"]
floors = bounds.of_questions(asked["train"], asked["val"], asked["test"])
ceilings = bounds.ceilings(data, "test", scenarios, run.seed)
reports = {
    name: evaluation.evaluate(
        one.model,
        sets["test"],
        scenarios,
        seed=run.seed,
        batch_size=128,
        device=run.device,
        floors=floors,
        ceilings=ceilings,
    )
    for name, one in networks.items()
}
report_views.scenario_table(
    reports,
    caption=f"After {run.num_steps} steps at size {run.size}, one seed; "
    "intervals over questions; ceilings of all test clips.",
)

# %% tags=["hide-input"]
for backbone, name in views.NAMES.items():
    glue(f"first_{backbone}", networks[name].first, display=False)
    glue(f"last_{backbone}", networks[name].last, display=False)
glue("live_steps", str(run.num_steps), display=False)
totals = [of.total("complete") for of in reports.values()]
over = [one.tally.accuracy >= (one.floor or 0.0) for one in totals]
glue("over_floor", str(sum(over)), display=False)

# %% [markdown]
# In nats, the answer loss went from {glue:text}`first_avsd:.2f` to {glue:text}`last_avsd:.2f` (AVSD), from
# {glue:text}`first_pano_avqa:.2f` to {glue:text}`last_pano_avqa:.2f` (Pano-AVQA), from
# {glue:text}`first_avst:.2f` to {glue:text}`last_avst:.2f` (AVST) and from
# {glue:text}`first_pstp_net:.2f` to {glue:text}`last_pstp_net:.2f` (PSTP-Net). Of the four,
# {glue:text}`over_floor` reach the floor with both senses. So all four take the same data and their losses
# fall; about Table 1 this says nothing: that takes the stored runs.
#
# ## What each network costs
#
# Counted while the network answers and learns one question with the sizes of MUSIC-AVQA's features. A
# product with a sum counts as two FLOPs.

# %%
costs = {
    name: cost.cost(views.plain_model(backbone, run.cost_size), "plain")
    for backbone, name in views.NAMES.items()
}
for backbone, name in views.NAMES.items():
    glue(f"million_{backbone}", costs[name].backbone / 1e6, display=False)
    glue(f"giga_{backbone}", costs[name].complete / 1e9, display=False)
    if name in views.PUBLISHED:
        counted = views.PUBLISHED[name] / 1e6
        glue(f"published_{backbone}", counted, display=False)
views.cost_table(
    costs,
    views.PUBLISHED,
    caption=f"The backbones at size {run.cost_size}, nothing around them; beside "
    "them the published networks, parameters as we count them.",
)

# %% [markdown]
# AVST is the published network, tensor by tensor ({glue:text}`published_avst:.2f` million). Pano-AVQA as
# published has {glue:text}`published_pano_avqa:.0f` million that start from BERT; ours keeps a third of
# its layers at C = 512, {glue:text}`million_pano_avqa:.1f` million. PSTP-Net as published has
# {glue:text}`published_pstp_net:.2f`, of which its program uses a part; ours,
# {glue:text}`million_pstp_net:.2f`, uses every module and reads the question as AVST does. Of AVSD no
# number fits: its network writes sentences. An answer takes {glue:text}`giga_avst:.2f` GFLOP in AVST,
# {glue:text}`giga_avsd:.2f` in AVSD, {glue:text}`giga_pano_avqa:.2f` in Pano-AVQA and
# {glue:text}`giga_pstp_net:.2f` in PSTP-Net, whose fused layer sees every chosen place; all counted here,
# in the same way.

# %% [markdown]
# ## Table 2: one of four candidates
#
# AVQA {cite:p}`yang2022avqa` asks in open language and offers four {term}`candidates <candidate>`. With
# $g$ the fused vector of a network and $\mathrm{enc}$ its own reader of words, the $j$-th scores
#
# $$
# z_j = \langle g, V\, \mathrm{enc}(c_j) \rangle , \qquad
# p = \mathrm{softmax}(z_1, \dots, z_4) .
# $$
#
# Bandstand asks like this too: the wrong candidates are of the same kind as the right one, and guessing
# is right in one of four. These are the same clips as above.

# %%
choices = {
    split: trials.as_choices(data.path, of) for split, of in asked.items()
}
example = choices["test"][0]
print(" ".join(example.tokens) + "?", *example.candidates, sep=" | ")
language = vocabulary.Vocabulary.from_examples(choices["train"])
chosen = {
    split: dataset.QADataset(of, data.store, language, cache=True)
    for split, of in choices.items()
}
print({split: len(of) for split, of in chosen.items()}, len(language.words))

# %%
choosing = {
    name: evaluation.evaluate(
        trials.briefly(
            views.plain_model(backbone, run.size),
            chosen["train"],
            num_steps=run.num_steps,
            batch_size=run.batch_size,
            seed=run.seed,
            device=run.device,
        ).model,
        chosen["test"],
        scenarios,
        seed=run.seed,
        batch_size=128,
        device=run.device,
        floors=bounds.of_questions(*choices.values()),
    )
    for backbone, name in views.NAMES.items()
}
report_views.scenario_table(
    choosing,
    caption=f"Four candidates, {run.num_steps} steps at size {run.size}, one "
    "seed; intervals over questions. No ceiling is computed here.",
)

# %% [markdown]
# All four read candidates with no change but the last layer: the format runs. What it does *not* show is
# Table 2. The videos of AVQA are not shipped, so none of its rows has a run here; with features of
# your own, `avqa train --data FOLDER` takes AVQA's files as they are ({doc}`/book/your_own_data`), and
# `avqa world --format avqa` makes a Bandstand of this kind.

# %% tags=["hide-input"]
paper_rows.table2_table(
    profiles.checkout() / "book" / "results" / "paper",
    caption="Table 2 of Park et al. (2024), AVQA, average over all questions as "
    "printed. Both completed AVSD rows have their columns in reverse order.",
)

# %% [markdown]
# ## Paper and us: the claims of Table 1
#
# By the rule of {doc}`05_ablations`: a claim *holds here* if the whole 95 % interval of the difference
# lies above zero, it is *contradicted here* if it lies below, otherwise the two are *not told apart*;
# one seed gives no verdict. Of {glue:text}`num_claims` claims: {glue:text}`verdicts_paper`.
#
# **Mind how short this is**: a method goes on for {glue:text}`steps_methods` steps after those of the plain
# network, and AVR runs with the light denoiser, not with the U-Net of the released program. What AVR gains
# by five times as many is in {doc}`05_ablations`.

# %%
entries = ledger.ledger(stored, claims.table1_claims())
ablation_views.ledger_table(
    [one for one in entries if one.claim.source != "control"],
    caption="Claims of Table 1, in points. The paper's are of single runs.",
)

# %% [markdown]
# What the paper does not ask: is the gain more than that of training for absence?
# Of {glue:text}`num_controls` such questions: {glue:text}`verdicts_controls`.
#
# Around AVST, as in {doc}`09_other_ways`, the control trains {glue:text}`size_control` parameters, RMM and
# AVR {glue:text}`size_paper`, that of `recommended` {glue:text}`size_recommended`. What is gained over a smaller
# control may be a gain of size: {doc}`13_where_recall_helps` has
# controls as large as `recommended`.

# %%
ablation_views.ledger_table(
    [one for one in entries if one.claim.source == "control"],
    caption="Against the control, backbone by backbone, by the same rule.",
)

# %% [markdown]
# ## Try it
#
# :::{exercise}
# :label: exercise-candidates
#
# Write `scores(fused, weight, candidates)`: `fused` is `[B, G]`, `weight` is $V$, the weight of the last layer, `[G, F]`, and
# `candidates` what was read of them, `[B, A, F]`. Return $z$, `[B, A]`. Why may the order of the
# candidates not matter?
# :::

# %% [markdown]
# :::{solution-start} exercise-candidates
# :class: dropdown
# :::
#
# Each candidate meets the fused vector by itself; a network that saw places could learn where the
# right one stands.


# %%
def scores(fused, weight, candidates):
    """Return the score of every candidate of every question."""
    return torch.einsum("be,ef,baf->ba", fused, weight, candidates)


verdict = checks.candidate_scores(scores)
assert verdict, verdict
verdict

# %% [markdown]
# :::{solution-end}
# :::
#
# ## Summary
#
# - Table 1, {glue:text}`stored_runs` runs stored. The paper's claims: {glue:text}`verdicts_paper`;
#   against the control: {glue:text}`verdicts_controls`.
# - All after {glue:text}`steps_methods` steps of a method, with the light denoiser in AVR, and against a
#   control with fewer parameters.
# - The completer of `recommended` over the plain network without sound: AVSD
#   {glue:text}`recommended_avsd_audio_missing`; Pano-AVQA
#   {glue:text}`recommended_pano_avqa_audio_missing`; AVST
#   {glue:text}`recommended_avst_audio_missing`; PSTP-Net
#   {glue:text}`recommended_pstp_net_audio_missing`.
# - All four keep one contract, with fixed answers and with candidates; million parameters:
#   AVSD {glue:text}`million_avsd:.1f`, Pano-AVQA {glue:text}`million_pano_avqa:.1f`, AVST
#   {glue:text}`million_avst:.1f`, PSTP-Net {glue:text}`million_pstp_net:.1f`.
# - Table 2 was not run: its data set is not here, its format is.
#
# **Limits**: one built-in world; networks adapted to it, each departure noted in its class; live
# networks that are hardly trained. **Next**: {doc}`09_other_ways`.
