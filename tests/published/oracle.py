"""The published forward passes, written out once more on the published names.

One question at a time, recurrence and attention by hand, no layer of torch or of the package, so
that a mistake in the order of gates, heads, halves or batches cannot be made twice.

How certain the formulas are. All of them stand in the source of the programs, where each was looked
up: AVST in MUSIC-AVQA, ``net_grd_avst/net_avst.py``, commit 36242a8; memory, joining and head of
Missing-AVQA in its file of the same name, U-Net and diffusion in its
``denoising_diffusion_pytorch.py``, commit a198605. Two things are not certain: no published weights
were at hand, so nobody has seen a real file pass; and the released program fills in from memory
only while it trains (its answers come from the hidden feature plus noise), so ``hard_missing`` is
its training pass with dropout off, not what its logs were made with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

State = Mapping[str, Tensor]


def affine(state: State, name: str, values: Tensor) -> Tensor:
    return values @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def unit(values: Tensor, dim: int) -> Tensor:
    return values / values.norm(dim=dim, keepdim=True).clamp(min=1e-12)


def question(state: State, tokens: Tensor) -> Tensor:
    """Embedding, tanh, one LSTM over all 14 tokens, padding too; [h; c], tanh, projection."""
    name = "question_encoder"
    hidden = cell = torch.zeros_like(state[f"{name}.fc.bias"])
    for word in state[f"{name}.word2vec.weight"][tokens].tanh():
        gates = (
            state[f"{name}.lstm.weight_ih_l0"] @ word
            + state[f"{name}.lstm.bias_ih_l0"]
            + state[f"{name}.lstm.weight_hh_l0"] @ hidden
            + state[f"{name}.lstm.bias_hh_l0"]
        )
        enter, keep, new, leave = gates.chunk(4)
        cell = keep.sigmoid() * cell + enter.sigmoid() * new.tanh()
        hidden = leave.sigmoid() * cell.tanh()
    return affine(state, f"{name}.fc", torch.cat([hidden, cell]).tanh())


def audio_feature(state: State, audio: Tensor) -> Tensor:
    return affine(state, "fc_a2", affine(state, "fc_a1", audio).relu())


def visual_tokens(state: State, audio: Tensor, visual: Tensor) -> Tensor:
    """[T, 512] from projected audio [T, 512] and maps [T, 512, H, W]."""
    tokens = []
    for heard, seen in zip(audio, visual, strict=True):
        places = seen.flatten(1).T
        directions = unit(places, 1)
        weights = (directions @ unit(heard, 0)).softmax(0)
        both = torch.cat([places.mean(0), weights @ directions])
        tokens.append(affine(state, "fc_gl", both.tanh()))
    return torch.stack(tokens)


def match_logits(state: State, audio: Tensor, visual: Tensor) -> Tensor:
    values = torch.cat([audio, visual_tokens(state, audio, visual)], dim=1)
    for name in ("fc1", "fc2", "fc3"):
        values = affine(state, name, values).relu()
    return affine(state, "fc4", values)


def attended(state: State, name: str, asked: Tensor, tokens: Tensor, num_heads: int = 4) -> Tensor:
    """Attention of one query over T tokens, head by head."""
    weights = state[f"{name}.in_proj_weight"].chunk(3)
    biases = state[f"{name}.in_proj_bias"].chunk(3)
    query, key, value = (
        what @ weight.T + bias
        for what, weight, bias in zip((asked, tokens, tokens), weights, biases, strict=True)
    )
    width = len(asked) // num_heads
    heads = []
    for head in range(num_heads):
        part = slice(head * width, (head + 1) * width)
        shares = (key[:, part] @ query[part] / math.sqrt(width)).softmax(0)
        heads.append(shares @ value[:, part])
    return affine(state, f"{name}.out_proj", torch.cat(heads))


def refined(state: State, values: Tensor, first: str, second: str, norm: str) -> Tensor:
    """Feed-forward with a residual, then layer norm; none around the attention before it."""
    values = values + affine(state, second, affine(state, first, values).relu())
    values = (values - values.mean()) / (values.var(correction=0) + 1e-5).sqrt()
    return values * state[f"{norm}.weight"] + state[f"{norm}.bias"]


def answer_logits(state: State, audio: Tensor, visual: Tensor, asked: Tensor) -> Tensor:
    """[42] from projected audio [T, 512], maps [T, 512, H, W] and question [512]."""
    tokens = visual_tokens(state, audio, visual)
    seen = refined(state, attended(state, "attn_v", asked, tokens), "linear11", "linear12", "norm1")
    heard = refined(state, attended(state, "attn_a", asked, audio), "linear21", "linear22", "norm2")
    both = torch.cat([heard + audio.mean(0), seen + tokens.mean(0)])
    fused = affine(state, "fc_fusion", both.tanh())
    return affine(state, "fc_ans", (fused * asked).tanh())


# From here on Missing-AVQA; its RMM generator, per segment.


def recalled(
    state: State, present: Tensor, present_slots: str, slots: str, asked: Tensor
) -> Tensor:
    """softmax(softmax(cos) o softmax(cos)) of the question and what is present, read from slots."""
    memory = "memory_network"
    about = unit(state[f"{memory}.question_memory"], 1) @ unit(asked, 0)
    like = unit(state[f"{memory}.{present_slots}_memory"], 1) @ unit(present.flatten(), 0)
    return (about.softmax(0) * like.softmax(0)).softmax(0) @ state[f"{memory}.{slots}_memory"]


def joined(state: State, audio: Tensor, visual: Tensor) -> Tensor:
    """Audio on every place, then visual, mixed by the 1x1 convolution ``kr``; [M, 512, H, W]."""
    spread = audio[:, :, None, None] * torch.ones_like(visual[:, :1])
    both = torch.cat([spread, visual], dim=1)
    mixed = torch.einsum("oi,mihw->mohw", state["kr.weight"][:, :, 0, 0], both)
    return mixed + state["kr.bias"][:, None, None]


def parted(state: State, joint: Tensor) -> tuple[Tensor, Tensor]:
    """``kr2``, the first 512 channels at the first corner as audio, the others as visual."""
    both = torch.einsum("oi,mihw->mohw", state["kr2.weight"][:, :, 0, 0], joint)
    both = both + state["kr2.bias"][:, None, None]
    return both[:, :512, 0, 0], both[:, 512:]


def convolved(state: State, name: str, values: Tensor) -> Tensor:
    weight = state[f"{name}.weight"]
    bias = state.get(f"{name}.bias")
    return functional.conv2d(values, weight, bias, padding=weight.shape[-1] // 2)


def half_block(state: State, name: str, values: Tensor, scale_shift: Tensor | None) -> Tensor:
    values = convolved(state, f"{name}.proj", values)
    groups = values.unflatten(1, (8, -1)).flatten(2)
    mean, variance = groups.mean(2, keepdim=True), groups.var(2, correction=0, keepdim=True)
    values = ((groups - mean) / (variance + 1e-5).sqrt()).reshape(values.shape)
    weight, bias = state[f"{name}.norm.weight"], state[f"{name}.norm.bias"]
    values = values * weight[:, None, None] + bias[:, None, None]
    if scale_shift is not None:
        scale, shift = scale_shift.chunk(2)
        values = values * (scale[:, None, None] + 1) + shift[:, None, None]
    return values * values.sigmoid()


def block(state: State, name: str, values: Tensor, step: Tensor) -> Tensor:
    scale_shift = affine(state, f"{name}.mlp.1", step * step.sigmoid())
    inner = half_block(state, f"{name}.block1", values, scale_shift)
    inner = half_block(state, f"{name}.block2", inner, None)
    has_skip = f"{name}.res_conv.weight" in state
    return inner + (convolved(state, f"{name}.res_conv", values) if has_skip else values)


def rms_norm(state: State, name: str, values: Tensor) -> Tensor:
    return unit(values, 1) * math.sqrt(values.shape[1]) * state[f"{name}.g"]


def attention(state: State, name: str, values: Tensor) -> Tensor:
    """What each place gathers, head by head and map by map, both kinds; told by their names."""
    is_linear = f"{name}.to_out.0.weight" in state
    height, width = values.shape[-2:]
    memory = state[f"{name}.mem_kv"]  # linear [2, 4, 32, 4], full [2, 4, 4, 32]
    gathered = []
    for triple in convolved(state, f"{name}.to_qkv", rms_norm(state, f"{name}.norm", values)):
        heads = []
        for head, one in enumerate(triple.unflatten(0, (3, 4, 32)).flatten(3).transpose(0, 1)):
            query, key, value = one  # [32, places]
            keys, vals = (m if is_linear else m.T for m in memory[:, head])
            key, value = torch.cat([keys, key], 1), torch.cat([vals, value], 1)
            if is_linear:
                shares = query.softmax(0) / math.sqrt(32)
                heads.append(torch.einsum("dn,en,dp->ep", key.softmax(1), value, shares))
            else:
                shares = (query.T @ key / math.sqrt(32)).softmax(1)
                heads.append(value @ shares.T)
        gathered.append(torch.cat(heads).unflatten(1, (height, width)))
    if not is_linear:
        return convolved(state, f"{name}.to_out", torch.stack(gathered))
    left = convolved(state, f"{name}.to_out.0", torch.stack(gathered))
    return rms_norm(state, f"{name}.to_out.1", left)


def halved(state: State, name: str, values: Tensor) -> Tensor:
    corners = [values[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)]
    return convolved(state, name, torch.stack(corners, dim=2).flatten(1, 2))


def doubled(state: State, name: str, values: Tensor) -> Tensor:
    return convolved(state, name, values.repeat_interleave(2, -1).repeat_interleave(2, -2))


def unet(state: State, noisy: Tensor, step: int) -> Tensor:
    """[M, 512, 14, 14] at one step, counted from 0; two resolutions."""
    angles = step * torch.exp(-math.log(10_000) * torch.arange(32) / 31)
    waves = torch.cat([angles.sin(), angles.cos()]).to(noisy.dtype)
    time = affine(state, "unet.time_mlp.1", waves)
    time = affine(state, "unet.time_mlp.3", 0.5 * time * (1 + torch.erf(time / math.sqrt(2))))

    def stage(name: str, values: Tensor, resize: Callable[[Tensor], Tensor]) -> Tensor:
        for part in (0, 1):
            if "ups" in name:
                values = torch.cat([values, kept.pop()], dim=1)
            values = block(state, f"{name}.{part}", values, time)
            if part == 1:
                values = values + attention(state, f"{name}.2", values)
            if "downs" in name:
                kept.append(values)
        return resize(values)

    kept: list[Tensor] = []
    first = convolved(state, "unet.init_conv", noisy)
    values = stage("unet.downs.0", first, lambda x: halved(state, "unet.downs.0.3.1", x))
    values = stage("unet.downs.1", values, lambda x: convolved(state, "unet.downs.1.3", x))
    values = block(state, "unet.mid_block1", values, time)
    values = values + attention(state, "unet.mid_attn", values)
    values = block(state, "unet.mid_block2", values, time)
    values = stage("unet.ups.0", values, lambda x: doubled(state, "unet.ups.0.3.1", x))
    values = stage("unet.ups.1", values, lambda x: convolved(state, "unet.ups.1.3", x))
    values = block(state, "unet.final_res_block", torch.cat([values, first], dim=1), time)
    return convolved(state, "unet.final_conv", values)


def sampled(state: State, feature: Tensor, draw: Callable[[], Tensor]) -> Tensor:
    """Ancestral steps from the feature itself; x_0 cut to [-1, 1]; (x + 1) / 2 at the end."""
    table = {n.removeprefix("diffusion."): t for n, t in state.items() if "diffusion." in n}
    values = feature
    for step in reversed(range(len(table["betas"]))):
        velocity = unet(state, values, step)
        clean = (
            table["sqrt_alphas_cumprod"][step] * values
            - table["sqrt_one_minus_alphas_cumprod"][step] * velocity
        ).clamp(-1, 1)
        mean = (
            table["posterior_mean_coef1"][step] * clean
            + table["posterior_mean_coef2"][step] * values
        )
        deviation = (0.5 * table["posterior_log_variance_clipped"][step]).exp()
        values = mean + deviation * draw() if step > 0 else mean
    return (values + 1) / 2


def hard_missing(
    state: State,
    audio: Tensor | None,
    visual: Tensor | None,
    tokens: Tensor,
    draw: Callable[[], Tensor],
) -> Tensor:
    """Answer one question about a clip of which one half is None: recall, enhance, answer."""
    asked = question(state, tokens)
    if audio is None:
        assert visual is not None
        pseudo = torch.stack([recalled(state, one, "visual", "audio", asked) for one in visual])
        enhanced, _ = parted(state, sampled(state, joined(state, pseudo, visual), draw))
        return answer_logits(state, enhanced, visual, asked)
    heard = audio_feature(state, audio)
    pseudo = torch.stack([recalled(state, one, "audio", "visual", asked) for one in heard])
    pseudo = pseudo.unflatten(1, (512, 14, 14))
    _, enhanced = parted(state, sampled(state, joined(state, heard, pseudo), draw))
    return answer_logits(state, heard, enhanced, asked)
