"""What every completer x enhancer x backbone promises, as functions that raise when it is broken.

The tests run them on the whole product of registered parts; whoever adds a part runs ``check`` on
it first. Everything is small and random: what is promised does not depend on what a model learned.
"""

from __future__ import annotations

import copy
import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from avqa_core import processors, rng, untouched
from avqa_core.backbones import BackboneConfig, backbones
from avqa_core.completion import CompleterConfig, completers
from avqa_core.docstrings import summary
from avqa_core.enhancement import EnhancerConfig, enhancers
from avqa_core.errors import RegistryError
from avqa_core.losses import PASSES, ObjectiveConfig, compute_losses, without
from avqa_core.model import MissingModalityAVQA
from avqa_core.registry import Registry
from avqa_core.small_models import (
    DIMS,
    MULTIPLE_CHOICE,
    PATTERNS,
    answer,
    make_batch,
    poisoned,
    rows,
    small_model,
    some_absent,
)
from avqa_core.types import (
    Answers,
    Completion,
    Enhancement,
    FeatureBatch,
    FeatureDims,
    Features,
    Modality,
)

Contract = Callable[[MissingModalityAVQA], None]
# Enough for a step of Eq. 8, which takes whole halves away by itself, and for a second mode.
FEW_PATTERNS = ("complete", "segments")
NOT_TRIED = "not tried: mend what the first one tells"


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """One contract and what broke it; nothing did if ``broken`` is empty."""

    contract: str
    promise: str
    broken: str


def check(
    completer: str | CompleterConfig = "zeros",
    enhancer: str | EnhancerConfig = "identity",
    backbone: str | BackboneConfig = "avst",
    dims: FeatureDims | None = None,
) -> list[Checked]:
    """Try every contract on a small model of registered parts.

    What does not even return the right shapes is not tried further.

    Args:
        completer: name of a completer, e.g. of one that a notebook has just registered, or a
            config, where another variant than the default is to be tried; sizes are replaced.
        enhancer: name or config of an enhancer.
        backbone: name or config of a backbone.
        dims: sizes of the data; both forms of answers, ``DIMS`` and ``MULTIPLE_CHOICE``, if None.

    Raises:
        RegistryError: there is no part of that name.
    """
    for family, part in ((completers, completer), (enhancers, enhancer), (backbones, backbone)):
        _require_known(family, part)
    found: list[Checked] = []
    for contract in CONTRACTS:
        broken = NOT_TRIED if found and found[0].broken else ""
        for some in (DIMS, MULTIPLE_CHOICE) if dims is None else (dims,):
            broken = broken or _broken(
                contract, partial(small_model, completer, enhancer, backbone, some)
            )
        found.append(Checked(contract.__name__, summary(contract), broken))
    return found


def _broken(contract: Contract, build: Callable[[], MissingModalityAVQA]) -> str:
    """Return what broke a contract, nothing if it is kept."""
    try:
        contract(build())
    except Exception as error:  # whatever a part raises here breaks the contract
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        return f"{kind}{error}" or type(error).__name__
    return ""


def _require_known(family: Registry[Any], part: object) -> None:
    """Raise unless a part is registered; one of another family is told where it belongs."""
    if not isinstance(part, str) or part in family:
        return
    for other in (completers, enhancers, backbones):
        if other is not family and part in other:
            raise RegistryError(
                f"expected a {family.family}, got {part!r}, which is registered as another kind "
                f"of part: name it as contracts.check({other.family}={part!r})"
            )
    family.config(part)


def _hold(condition: object, told: object) -> None:
    """Raise unless ``condition`` is true; a statement that ``python -O`` strips would not do."""
    if not condition:
        raise AssertionError(str(told))


def asked(model: MissingModalityAVQA) -> MissingModalityAVQA:
    """Return ``model``, which is in evaluation mode."""
    return model


def learning(model: MissingModalityAVQA) -> MissingModalityAVQA:
    """Return a copy in training mode, so that what a pass brings up to date ends with it."""
    learner = copy.deepcopy(model).train()
    for part in learner.modules():
        if isinstance(part, nn.Dropout):  # of one that no field of a config switches off
            part.p = 0.0
    return learner


Mode = Callable[[MissingModalityAVQA], MissingModalityAVQA]
MODES: tuple[Mode, ...] = (asked, learning)


def _passes(
    model: MissingModalityAVQA,
    asking: Sequence[str] = PATTERNS,
    training: Sequence[str] = FEW_PATTERNS,
) -> Iterator[tuple[Mode, FeatureBatch, str]]:
    """Yield both modes, each with batches that miss something, and what to call the pass."""
    for mode, patterns in zip(MODES, (asking, training), strict=True):
        for pattern in patterns:
            told = f"{pattern} absent" + (", in training mode" if mode is learning else "")
            yield mode, some_absent(make_batch(dims=model.dims), pattern), told


def results_fit(model: MissingModalityAVQA) -> None:
    """Every part returns its kind of result, in the shapes that it was handed, and finite."""
    for pattern in FEW_PATTERNS:
        batch, generator = some_absent(make_batch(dims=model.dims), pattern), rng.named(0, "fits")
        with torch.no_grad():
            seen = model.encode(batch)
            _hold_fits("backbone.encode", seen, Features, {})
            audio, visual = tuple(seen.audio.shape), tuple(seen.visual.shape)
            pair = {"features.audio": audio, "features.visual": visual}
            done = model.completer.complete(seen, batch.availability, generator=generator)
            pseudo = {"pseudo_audio": audio, "pseudo_visual": visual}
            _hold_fits("completer.complete", done, Completion, pair | pseudo)
            better = model.enhancer.enhance(done.features, batch.availability, generator=generator)
            _hold_fits("enhancer.enhance", better, Enhancement, pair)
            found = model.backbone.answer(better.features)
        choices = model.dims.num_answers
        if batch.candidates is not None:
            choices = batch.candidates.shape[1]
        shapes = {"logits": (len(batch), choices)}
        _hold_fits("backbone.answer", found, Answers, shapes)


def _hold_fits(
    where: str, found: object, kind: type[object], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Raise unless a result is of its kind and has tensors of these shapes by their names."""
    told = type(found).__name__
    _hold(isinstance(found, kind), f"{where}: expected {kind.__name__}, got {told}")
    for name, shape in shapes.items():
        tensor = attrgetter(name)(found)
        came = list(tensor.shape)
        _hold(tensor.shape == shape, f"{where}: expected {name} of {list(shape)}, got {came}")
        _hold(tensor.isfinite().all(), f"{where}: expected finite {name}, got other numbers")


def absent_means_absent(model: MissingModalityAVQA) -> None:
    """NaN in absent places changes nothing; nor does any finite value."""
    for mode, batch, told in _passes(model, PATTERNS[1:], FEW_PATTERNS[1:]):
        clean = answer(mode(model), poisoned(batch, 0.0))
        _hold(clean.isfinite().all(), f"an answer that is not finite ({told})")
        for poison in (float("nan"), float("inf"), 1e4):
            same = torch.equal(clean, answer(mode(model), poisoned(batch, poison)))
            _hold(same, f"another answer with {poison} in what is absent ({told})")


def losses_ignore_absent(model: MissingModalityAVQA) -> None:
    """Training on clips that miss something never reads what they miss, not even as a target."""
    objective = ObjectiveConfig(both_missing_rate=0.5)
    for mode, batch, told in _passes(model, PATTERNS[1:], FEW_PATTERNS[1:]):
        totals, states = [], []
        for poison in (0.0, float("nan")):
            tried = mode(model)
            terms = compute_losses(
                tried, poisoned(batch, poison), objective, generator=rng.named(0, "loss")
            )
            totals.append(terms.total())
            states.append({name: one.clone() for name, one in tried.state_dict().items()})
        _hold(totals[0].isfinite(), f"a loss that is not finite ({told})")
        _hold(totals[0].equal(totals[1]), f"another loss with NaN in what is absent ({told})")
        moved = [name for name, one in states[0].items() if not one.equal(states[1][name])]
        _hold(not moved, f"NaN in what is absent reaches {moved} ({told})")
    for pattern in FEW_PATTERNS[1:]:
        totals = [_target_losses(model, pattern, written) for written in (0.0, 1.0)]
        same = totals[0].equal(totals[1])
        _hold(same, f"what was never recorded is a target of a loss ({pattern} absent)")


def _target_losses(model: MissingModalityAVQA, pattern: str, written: float) -> torch.Tensor:
    """Return what the parts' own losses make of ``written`` where nothing was recorded."""
    batch = some_absent(make_batch(dims=model.dims), pattern)
    present, generator = batch.availability, rng.named(0, "targets")
    features = model.encode(batch)
    marked = dataclasses.replace(
        features,
        audio=features.audio.masked_fill(~present[..., Modality.AUDIO, None], written),
        visual=features.visual.masked_fill(
            ~present[..., Modality.VISUAL, None, None, None], written
        ),
    )
    terms = model.enhancer.loss(marked, present, generator=generator)
    for name, missing in PASSES.items():
        seen = without(present, missing)
        prediction = model.respond(features, seen, generator=generator)
        own = model.completer.loss(marked, prediction.completion, seen, present)
        own = own | model.enhancer.reconstruction_loss(marked, prediction.enhancement, present)
        terms = terms | own.prefixed(name)
    return terms.total() if terms else torch.zeros(())


def rows_do_not_mix(model: MissingModalityAVQA) -> None:
    """Permuting the batch permutes the answers, and a row alone is the row in company."""
    for pattern in PATTERNS:
        batch = some_absent(make_batch(5, model.dims), pattern)
        together = answer(model, batch)
        order = torch.tensor([3, 0, 4, 1, 2])
        permuted = answer(model, rows(batch, order))
        same = torch.allclose(together[order], permuted, atol=1e-5)
        _hold(same, f"other answers in another order ({pattern} absent)")
        for row in range(5):
            alone = answer(model, rows(batch, torch.tensor([row])))
            same = torch.allclose(together[row], alone[0], atol=1e-5)
            _hold(same, f"row {row} alone is answered otherwise ({pattern} absent)")


def generator_rules(model: MissingModalityAVQA) -> None:
    """Same generator, same answer; the global generator is neither read nor moved."""
    for mode, batch, told in _passes(model):
        torch.manual_seed(1)
        before = torch.random.get_rng_state()
        first = answer(mode(model), batch)
        moved = not torch.equal(before, torch.random.get_rng_state())
        _hold(not moved, f"the global state moved ({told})")
        torch.manual_seed(2)
        same = torch.equal(first, answer(mode(model), batch))
        _hold(same, f"the generator was ignored ({told})")


def survives_saving(model: MissingModalityAVQA) -> None:
    """Saved and loaded, a model answers the same."""
    batch = some_absent(make_batch(dims=model.dims), "segments")
    before = answer(model, batch)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)
        with rng.initialising(99):
            fresh = MissingModalityAVQA(model.config, model.dims).eval()
        fresh.load_state_dict(load_file(path))
    _hold(torch.equal(before, answer(fresh, batch)), "another answer after loading")


def gradients_reach_everything(model: MissingModalityAVQA) -> None:
    """Every parameter that wants a gradient gets one from a step of Eq. 8."""
    for mode in MODES:
        tried = mode(model)
        tried.zero_grad()  # a copy brings along what the model has got
        _step(tried, make_batch(dims=model.dims)).backward()
        dead = [
            name
            for name, value in tried.named_parameters()
            if value.requires_grad and (value.grad is None or not value.grad.abs().sum() > 0)
        ]
        _hold(not dead, f"no gradient reaches {dead}")


def present_halves_learn(model: MissingModalityAVQA) -> None:
    """What is present leaves the completer with its gradient, whatever else the batch lacks."""
    batch = some_absent(make_batch(dims=model.dims), "segments")
    with torch.no_grad():
        encoded = model.encode(batch)
    for mode in MODES:
        audio, visual = (one.clone().requires_grad_() for one in (encoded.audio, encoded.visual))
        seen = dataclasses.replace(encoded, audio=audio, visual=visual)
        done = mode(model).completer.complete(
            seen, batch.availability, generator=rng.named(0, "contract")
        )
        total = done.features.audio.square().sum() + done.features.visual.square().sum()
        _hold(total.requires_grad, "nothing that is there keeps a gradient")
        total.backward()
        for modality, half in ((Modality.AUDIO, audio), (Modality.VISUAL, visual)):
            grad = torch.zeros_like(half) if half.grad is None else half.grad
            learns = grad.flatten(2).any(dim=-1) | ~batch.availability[..., modality]
            _hold(learns.all(), f"no gradient reaches some {modality.name.lower()} that is there")


def _step(
    model: MissingModalityAVQA, batch: FeatureBatch, both_missing_rate: float = 0.0
) -> torch.Tensor:
    """Return what a step of Eq. 8 minimises."""
    objective = ObjectiveConfig(both_missing_rate=both_missing_rate)
    return compute_losses(model, batch, objective, generator=rng.named(0, "step")).total()


def the_answer_layer_is_last(model: MissingModalityAVQA) -> None:
    """Logits are linear in the backbone's ``answer_layer``: without its numbers all are zero."""
    numbers = list(model.backbone.answer_layer.parameters())
    of_backbone = {id(one) for one in model.backbone.parameters()}
    is_part = {id(one) for one in numbers} < of_backbone
    _hold(is_part, "the answer layer is not one layer of several of the backbone")
    kept = [one.detach().clone() for one in numbers]
    batch = make_batch(dims=model.dims)
    _hold(answer(model, batch).any(), "all logits are zero as they are")
    with torch.no_grad():
        for one in numbers:
            one.zero_()
        left = answer(model, batch)
        for one, before in zip(numbers, kept, strict=True):
            one.copy_(before)
    _hold(not left.any(), f"without the answer layer logits are {left.abs().max():g}, not zero")


def finite_in_bfloat16(model: MissingModalityAVQA) -> None:
    """Answers, losses and gradients stay finite under bfloat16 autocast."""
    # One context a pass: autocast keeps weights that it cast where no gradient was wanted.
    with processors.bfloat16_anywhere():
        for pattern in PATTERNS:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                found = answer(model, some_absent(make_batch(dims=model.dims), pattern))
            _hold(found.isfinite().all(), f"an answer that is not finite ({pattern} absent)")
        for pattern in FEW_PATTERNS:
            learner, batch = learning(model), some_absent(make_batch(dims=model.dims), pattern)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                total = _step(learner, batch, both_missing_rate=0.5)
            _hold(total.isfinite(), f"a loss that is not finite ({pattern} absent)")
            total.backward()
            broken = [
                name
                for name, value in learner.named_parameters()
                if value.grad is not None and not value.grad.isfinite().all()
            ]
            _hold(not broken, f"gradients that are not finite ({pattern} absent): {broken}")


def inputs_stay_untouched(model: MissingModalityAVQA) -> None:
    """No part edits in place what it is handed, whether it answers or learns."""
    for mode, batch, told in _passes(model, FEW_PATTERNS):
        with (
            untouched.watched(mode(model), told) as tried,
            untouched.unedited({"batch": batch}, f"a pass ({told})"),
        ):
            answer(tried, batch)
            _step(tried, batch)
            with torch.no_grad():
                clips = [tried.encode(make_batch(dims=model.dims))]
            tried.completer.fit(clips, generator=rng.named(0, "fit"))


CONTRACTS: tuple[Contract, ...] = (
    results_fit,
    absent_means_absent,
    losses_ignore_absent,
    rows_do_not_mix,
    generator_rules,
    survives_saving,
    gradients_reach_everything,
    present_halves_learn,
    the_answer_layer_is_last,
    finite_in_bfloat16,
    inputs_stay_untouched,
)
