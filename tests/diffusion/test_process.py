"""Eq. 5-7: noising, the reverse step and the chain, by hand, in closed form and by property."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avqa_core import rng
from avqa_core.diffusion import Denoiser, DiffusionConfig, DiffusionProcess
from avqa_core.errors import ConfigError

RELEASED = DiffusionConfig(schedule="sigmoid", prediction="velocity", weighting="alpha_bar")
PREDICTIONS = ("noise", "x0", "velocity")


class Scaling(Denoiser):
    """Predict a multiple of the noisy map; remember under which conditions it was called."""

    def __init__(self, factor: float = 0.5) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(factor))
        self.steps: list[int] = []
        self.with_gradient: list[bool] = []

    def forward(self, noisy: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        self.steps.append(int(step[0]))
        self.with_gradient.append(torch.is_grad_enabled())
        return self.factor * noisy


class Oracle(Denoiser):
    """Know the clean map, and so the exact target at every step."""

    def __init__(self, clean: torch.Tensor) -> None:
        super().__init__()
        self.clean = clean
        self.process: list[DiffusionProcess] = []

    def forward(self, noisy: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        (process,) = self.process
        shape = (-1, 1, 1, 1)
        signal = process.schedule.signal[step + 1].reshape(shape)
        share = process.schedule.noise[step + 1].reshape(shape)
        return process.target(self.clean, (noisy - signal * self.clean) / share, step + 1)


def process(config: DiffusionConfig = RELEASED, denoiser: Denoiser | None = None):
    return DiffusionProcess(config, denoiser or Scaling())


def maps(rows: int = 3) -> torch.Tensor:
    return torch.randn(rows, 2, 2, 2, generator=rng.named(0, "maps"))


def steps(*values: int) -> torch.Tensor:
    return torch.tensor(values)


def test_noising_half_way_by_hand() -> None:
    # The sigmoid schedule has alpha_bar = 1/2 at k = 5: x_5 = (2 - 1) / sqrt(2).
    noisy = process().noised(torch.tensor([2.0]), steps(5), torch.tensor([-1.0]))
    assert float(noisy) == pytest.approx(1 / math.sqrt(2), abs=1e-6)


def test_targets_half_way_by_hand() -> None:
    clean, noise = torch.tensor([2.0]), torch.tensor([-1.0])
    for prediction, expected in (("noise", -1.0), ("x0", 2.0), ("velocity", -3 / math.sqrt(2))):
        diffusion = process(replace(RELEASED, prediction=prediction))
        assert float(diffusion.target(clean, noise, steps(5))) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("step", [1, 5, 9])
def test_a_perfect_prediction_gives_back_the_clean_map(prediction: str, step: int) -> None:
    diffusion = process(replace(RELEASED, prediction=prediction))
    clean, noise, at = maps(), maps().flip(0), steps(step, step, step)
    noisy = diffusion.noised(clean, at, noise)
    back = diffusion.clean_from(diffusion.target(clean, noise, at), noisy, at)
    assert torch.allclose(back, clean, atol=1e-5)


def test_noise_prediction_from_the_last_sigmoid_step_is_fragile() -> None:
    """An error of the network is divided by sqrt(alpha_bar) = 1 / 159 there."""
    diffusion = process(replace(RELEASED, prediction="noise"))
    one, zero = torch.ones(1), torch.zeros(1)
    assert float(-diffusion.clean_from(one, zero, steps(10))) == pytest.approx(159.1, abs=0.2)


def test_reverse_step_of_the_released_program_by_hand() -> None:
    # k = 10: c1 = 0.999 sqrt(0.03949) / 0.99996, c2 = 0.96051 sqrt(0.001) / 0.99996,
    # variance = 0.999 * 0.96051 / 0.99996.
    diffusion, one, zero = process(), torch.ones(1), torch.zeros(1)
    of_clean = diffusion.posterior(one, zero, steps(10), steps(9))
    of_noisy = diffusion.posterior(zero, one, steps(10), steps(9))
    assert float(of_clean.mean) == pytest.approx(0.19854, abs=2e-5)
    assert float(of_noisy.mean) == pytest.approx(0.03038, abs=2e-5)
    assert float(of_clean.variance) == pytest.approx(0.95959, abs=2e-5)


def test_the_last_step_returns_the_clean_map_itself() -> None:
    clean, noisy = maps(), maps().flip(0)
    for first in (1, 4, 10):
        last = process().posterior(clean, noisy, steps(*[first] * 3), steps(0, 0, 0))
        assert torch.equal(last.mean, clean)
        assert float(last.variance.abs().max()) == 0


@given(
    kind=st.sampled_from(["linear", "sigmoid", "cosine"]),
    num_steps=st.integers(2, 40),
    data=st.data(),
)
@settings(max_examples=40, deadline=None)
def test_reverse_and_forward_agree(kind: str, num_steps: int, data: st.DataObject) -> None:
    """Averaged over q(x_k | x_0), q(x_j | x_k, x_0) is q(x_j | x_0), for any j < k."""
    step = data.draw(st.integers(1, num_steps))
    earlier = data.draw(st.integers(0, step - 1))
    diffusion = process(DiffusionConfig(schedule=kind, num_steps=num_steps))
    one, zero, k, j = torch.ones(1), torch.zeros(1), steps(step), steps(earlier)
    of_clean, variance = diffusion.posterior(one, zero, k, j)
    of_noisy = diffusion.posterior(zero, one, k, j).mean
    schedule = diffusion.schedule
    mean = of_clean + of_noisy * schedule.signal[step]
    spread = of_noisy.square() * schedule.noise[step].square() + variance
    assert torch.allclose(mean, schedule.signal[earlier], atol=2e-5)
    assert torch.allclose(spread, schedule.noise[earlier].square(), atol=2e-5)


def test_noising_one_step_at_a_time_is_noising_at_once() -> None:
    """Closed-form mean and variance of Eq. 5 against 10 single steps on many samples."""
    diffusion, generator = process(), rng.named(0, "single steps")
    state = torch.full((40_000,), 3.0)
    for beta in diffusion.schedule.beta[1:6]:
        noise = torch.randn(len(state), generator=generator)
        state = (1 - beta).sqrt() * state + beta.sqrt() * noise
    assert float(state.mean()) == pytest.approx(3.0 * math.sqrt(0.5), abs=0.02)
    assert float(state.var()) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("sampler", ["ancestral", "deterministic"])
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("count", [1, 3, 10])
def test_a_chain_with_a_perfect_network_ends_at_the_clean_map(
    sampler: str, prediction: str, count: int
) -> None:
    config = replace(
        RELEASED,
        schedule="linear",
        prediction=prediction,
        sampler=sampler,
        start="noised",
        num_sampling_steps=count,
    )
    clean = maps()
    oracle = Oracle(clean)
    diffusion = process(config, oracle)
    oracle.process.append(diffusion)
    states = list(diffusion.trajectory(maps().flip(0), generator=rng.named(0, "chain")))
    assert len(states) == count + 1
    assert torch.allclose(states[-1].noisy, clean, atol=1e-4)
    assert not torch.allclose(states[0].noisy, clean, atol=0.1)
    # On the deterministic way every state is the clean map with one and the same noise.
    if sampler == "deterministic" and count == 10:
        first, later = states[0], states[5]
        schedule = diffusion.schedule
        noises = [
            (one.noisy - schedule.signal[one.step] * clean) / schedule.noise[one.step]
            for one in (first, later)
        ]
        assert torch.allclose(*noises, atol=1e-2)


def test_two_steps_of_the_deterministic_chain_by_hand() -> None:
    config = DiffusionConfig(
        schedule="sigmoid",
        prediction="x0",
        sampler="deterministic",
        start_step=5,
        num_sampling_steps=2,
    )
    assert config.path == [5, 2, 0]
    denoiser = Scaling(0.5)
    diffusion = process(config, denoiser)
    with torch.no_grad():
        first, second, last = diffusion.trajectory(
            torch.ones(1, 1, 1, 1), generator=rng.named(0, "x")
        )
    # x_5 = 1, x_0 seen = 1/2, noise = (1 - 0.5 / sqrt 2) / (1 / sqrt 2) = 0.91421;
    # x_2 = sqrt(0.89568) / 2 + sqrt(0.10432) * 0.91421 = 0.76848, and x_0 = x_2 / 2.
    assert (first.step, second.step, last.step) == (5, 2, 0)
    assert float(first.clean) == 0.5
    assert float(second.noisy) == pytest.approx(0.76848, abs=2e-5)
    assert float(last.noisy) == float(last.clean) == pytest.approx(0.38424, abs=2e-5)
    assert denoiser.steps == [4, 1]


def test_clamping_cuts_what_the_network_sees() -> None:
    config = replace(RELEASED, prediction="x0")
    far = torch.full((1, 1, 1, 1), 8.0)
    for state in process(config, Scaling(1.0)).trajectory(
        far, generator=rng.named(0, "x"), clamp=True
    ):
        assert state.clean.abs().item() <= 1.0
    free = process(config, Scaling(1.0)).trajectory(far, generator=rng.named(0, "x"))
    assert next(free).clean.item() == 8.0


@given(num_steps=st.integers(1, 60), data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_path_goes_down_in_the_asked_number_of_steps(num_steps: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(1, num_steps))
    count = data.draw(st.integers(1, start))
    path = DiffusionConfig(num_steps=num_steps, start_step=start, num_sampling_steps=count).path
    assert (path[0], path[-1], len(path)) == (start, 0, count + 1)
    gaps = [before - after for before, after in pairwise(path)]
    assert min(gaps) >= 1
    assert max(gaps) - min(gaps) <= 2


def test_the_chain_is_reproducible_and_its_rows_are_independent() -> None:
    diffusion, feature, keys = process(), maps(), [7, (7, 1), 9]

    def sample(order: list[int], seed: int = 0) -> torch.Tensor:
        return diffusion.sample(
            feature[order],
            generator=rng.named(seed, "chain"),
            row_keys=[keys[index] for index in order],
        )

    whole = sample([0, 1, 2])
    assert torch.equal(whole, sample([0, 1, 2]))
    assert not torch.equal(whole, sample([0, 1, 2], seed=1))
    assert torch.allclose(whole[[2, 0]], sample([2, 0]), atol=1e-6)


@pytest.mark.parametrize(("wanted", "alive"), [(None, 10), (0, 0), (3, 3), (10, 10), (12, 10)])
def test_gradients_flow_through_the_last_steps_only(wanted: int | None, alive: int) -> None:
    denoiser = Scaling()
    diffusion = process(replace(RELEASED, gradient_steps=wanted), denoiser)
    feature = maps().requires_grad_()
    out = diffusion.sample(feature, generator=rng.named(0, "chain"))
    assert denoiser.with_gradient == [False] * (10 - alive) + [True] * alive
    assert diffusion.config.reaches_the_start == (alive == 10)
    assert out.requires_grad == (alive > 0)
    if alive:
        out.sum().backward()
        assert (feature.grad is not None) == (alive == 10)
        assert denoiser.factor.grad is not None
    assert torch.is_grad_enabled()


def test_no_gradient_is_switched_on_inside_no_grad() -> None:
    denoiser = Scaling()
    with torch.no_grad():
        process(RELEASED, denoiser).sample(maps(), generator=rng.named(0, "chain"))
    assert denoiser.with_gradient == [False] * 10


@pytest.mark.parametrize(("prediction", "clamp"), [("velocity", False), ("x0", True)])
def test_recomputing_changes_nothing_but_the_work(prediction: str, clamp: bool) -> None:
    grads, outs, calls = [], [], []
    for recompute in (False, True):
        denoiser = Scaling()
        config = replace(RELEASED, prediction=prediction, recompute=recompute)
        diffusion = process(config, denoiser)
        feature = (8 * maps()).requires_grad_()
        out = diffusion.sample(feature, generator=rng.named(0, "chain"), clamp=clamp)
        out.square().sum().backward()
        outs.append(out.detach())
        grads.append((feature.grad, denoiser.factor.grad))
        calls.append(len(denoiser.steps))
    assert torch.equal(*outs)
    for plain, again in zip(*grads, strict=True):
        assert torch.allclose(plain, again, atol=1e-6)
    assert calls == [10, 20]


def test_loss_of_a_silent_network_on_nothing_is_what_the_schedule_says() -> None:
    """x_0 = 0: the velocity is sqrt(alpha_bar) noise, so predicting 0 costs mean alpha_bar^2."""
    diffusion = process(RELEASED, Scaling(0.0))
    values = diffusion.loss(torch.zeros(3000, 4, 2, 2), generator=rng.named(0, "loss"))
    assert values.shape == (3000,)
    assert values.mean().item() == pytest.approx(0.3215, abs=0.02)


def test_weighting_multiplies_by_what_is_left_of_the_signal() -> None:
    clean, weights = maps(200), process().schedule.alpha_bar
    weighted, plain = (
        process(replace(RELEASED, weighting=kind)).loss(clean, generator=rng.named(0, "loss"))
        for kind in ("alpha_bar", "uniform")
    )
    ratio = (weighted / plain).detach()
    drawn = {int((weights - one).abs().argmin()) for one in ratio}
    assert drawn == set(range(1, 11))
    assert torch.allclose(ratio, weights[1:][(ratio[:, None] - weights[1:]).abs().argmin(1)])


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_loss_of_a_perfect_network_is_zero(prediction: str) -> None:
    clean = maps(30)
    oracle = Oracle(clean)
    diffusion = process(replace(RELEASED, prediction=prediction), oracle)
    oracle.process.append(diffusion)
    values = diffusion.loss(clean, generator=rng.named(0, "loss"))
    assert float(values.detach().abs().max()) < 1e-6


def test_loss_rows_are_independent() -> None:
    diffusion, clean, keys = process(), maps(), [3, 1, 2]
    whole = diffusion.loss(clean, generator=rng.named(0, "loss"), row_keys=keys)
    some = diffusion.loss(clean[[2, 0]], generator=rng.named(0, "loss"), row_keys=[2, 3])
    assert torch.allclose(whole[[2, 0]], some, atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"num_steps": 0}, "num_steps"),
        ({"start_step": 11}, "start_step from 1 to 10, got 11"),
        ({"num_sampling_steps": 11}, "num_sampling_steps from 1 to 10"),
        ({"start_step": 4, "num_sampling_steps": 5}, "num_sampling_steps from 1 to 4"),
        ({"gradient_steps": -1}, "gradient_steps >= 0"),
    ],
)
def test_impossible_chains_are_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DiffusionConfig(**wrong)
