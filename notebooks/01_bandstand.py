# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How much of the sound can be seen?

# %% [markdown]
# :::{admonition} At a glance
# :class: tip
#
# - **You will see** how far the `coupling` of the built-in world lets sight stand in for sound.
# - **Belongs to** the motivation of {cite:t}`park2024learning`, Sec. 1: a missing sense is recalled
#   from the present one.
# - **Time** at most 30 s on two CPU cores in profile `book`.
# - **Data** none: the acts are drawn here.
# - **Read before** {doc}`../book/how_to_run`.
# :::

# %%
from typing import Optional

import numpy as np
from matplotlib import pyplot as plt
from myst_nb import glue

from avqa_core import profiles, rng
from avqa_core.viz.style import use_style

profiles.require_package("0.1")
use_style()

# %% tags=["parameters"]
profile: str = "book"  # smoke, book or full: how large this page runs
seed: Optional[int] = None  # first seed
num_seeds: Optional[int] = None  # how many seeds are shown
device: Optional[str] = None  # auto, cpu or cuda
data_dir: Optional[str] = None  # a data folder; none: the built-in world
out_dir: Optional[str] = None  # where this page may write
num_acts: Optional[int] = None  # acts drawn for each point

# %%
run = profiles.resolve(
    "01_bandstand",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    num_acts=num_acts,
)
print(run)

# %% [markdown]
# ## A linked act sounds as it looks
#
# Every act of a scene has a seen half and a heard half. With probability $\kappa$, the *coupling*,
# the act is live: both halves are one draw. Otherwise it mimes, and the halves are independent
# draws from one marginal. For a fact with $n$ equally likely values, sight then tells it with probability
#
# $$
# P(\text{heard} = \text{seen}) = \kappa + \frac{1 - \kappa}{n} .
# $$
#
# **Predict**: at $\kappa = 0$ and three values, how often is the guess from sight right?


# %%
def agreement(
    coupling: float, num_values: int, generator: np.random.Generator
) -> float:
    """Return how often the heard half of an act equals the seen half."""
    seen, other = generator.integers(num_values, size=(2, run.num_acts))
    linked = generator.random(run.num_acts) < coupling
    return float(np.mean(np.where(linked, seen, other) == seen))


couplings = np.linspace(0, 1, 11)
drawn = np.array(
    [
        [
            agreement(
                kappa, 3, np.random.default_rng(rng.derive(one, "acts", i))
            )
            for i, kappa in enumerate(couplings)
        ]
        for one in run.seeds
    ]
)

# %% mystnb={"figure": {"caption": "The guess from sight is right as often as the formula says. Points: one a seed; line: formula.", "name": "fig-agreement"}, "image": {"alt": "Scatter plot of agreement in percent against coupling from 0 to 1. Points of all seeds lie on a straight line that rises from a third to one hundred percent."}}
figure, axes = plt.subplots(figsize=(6.4, 3.2))
for row in drawn:
    axes.plot(couplings, 100 * row, "o", alpha=0.7)
axes.plot(couplings, 100 * (couplings + (1 - couplings) / 3), color="black")
axes.annotate(
    "formula",
    (0.3, 100 * (0.3 + 0.7 / 3)),
    (0.42, 40),
    arrowprops={"arrowstyle": "-"},
)
axes.set(xlabel="coupling", ylabel="heard equals seen (%)", ylim=(0, 105))
plt.show()

# %%
glue("agreement_at_zero", float(100 * drawn[:, 0].mean()), display=False)
glue("acts_drawn", int(run.num_acts * run.num_seeds), display=False)

# %% [markdown]
# ## Summary
#
# - Without coupling the guess from sight is right in {glue:text}`agreement_at_zero:.1f` % of
#   {glue:text}`acts_drawn` acts: that is chance.
# - {numref}`fig-agreement` shows the rest of the way: {term}`coupling` is the axis on which recall
#   can be studied at all.
