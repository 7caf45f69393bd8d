"""One training step: the loss, gradients over all processes, and the update of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from cmp_engine.modeling.attention import ArrowAttentionDecoder
from cmp_engine.modeling.cmp import CMP
from train.batches import Batch
from train.config import Recipe, ScheduleSettings
from train.distributed import World, sum_gradients, sum_values
from train.limb_loss import limb_loss, trust_loss
from train.losses import (
    AttentionLoss,
    affinity_loss,
    attention_loss,
    bin_cross_entropy,
    draw_anchors,
    regression_loss,
)
from train.objectives import flow_similarity_loss, motion_mask_loss
from train.train_state import TrainState, memory_format, update_ema


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step computed.

    Attributes:
        parts: Loss and its parts, summed over this process's micro-batches.
        is_skipped: A gradient was not a number, and the weights are those before the step.
    """

    parts: dict[str, Tensor]
    is_skipped: bool


def learning_rate_at(schedule: ScheduleSettings, step: int) -> float:
    """Return the learning rate of step number ``step``.

    Source: paper sec. 4 "Training Details" for ``paper``: divided by 10 at 2/3.5 and 3/3.5 of I.
    """
    rate = schedule.learning_rate
    if step < schedule.warmup:
        return rate * (step + 1) / schedule.warmup
    done = step / schedule.steps
    if schedule.decay == "paper":
        return rate * (0.1 if done >= 2 / 3.5 else 1.0) * (0.1 if done >= 3 / 3.5 else 1.0)
    return rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def compute_loss(
    network: CMP, batch: Batch, recipe: Recipe, generator: torch.Generator
) -> dict[str, Tensor]:
    """Return the loss under the key ``loss``, and its parts."""
    height, width = batch.image.shape[-2:]
    image = batch.image.contiguous(memory_format=memory_format(batch.image.device))
    decoder = network.flow_decoder
    if isinstance(decoder, ArrowAttentionDecoder):
        motion = network.flow_encoder(batch.guidance, height, width)
        if recipe.objective == "limbs":
            return _limb_parts(network, decoder, image, motion, batch, generator)
        prepared = network.prepare(image)
        sets = len(batch.guidance.valid) // len(image)
        asked = tuple(torch.cat([part] * sets) for part in prepared)
        answer = decoder.answer(asked, motion)
        if recipe.objective == "trust":
            limbs = decoder.find_limbs(asked, motion, answer.affinity)
            loss = trust_loss(answer, limbs, batch.target)
            trust = torch.sigmoid(limbs.trust).mean().detach()
            return {"loss": loss, "trust": trust}
        flow, gate = answer.flow, answer.gate_logit
        parts = attention_loss(flow.float(), gate.float(), batch.target, recipe.loss)
        affinity = flow.new_zeros(())
        if batch.target.object_ids is not None and recipe.loss.affinity:
            target = batch.target.first(len(image))
            anchors = draw_anchors(target, recipe.loss.anchors, generator)
            logits = decoder.affinity(prepared, anchors).float()
            affinity = affinity_loss(logits, anchors, target)
        return {
            "loss": parts.total + recipe.loss.affinity * affinity,
            "affinity": affinity.detach(),
            **_log_of(parts),
        }
    output = network(image, batch.guidance).float()
    if recipe.objective == "pathak":
        return {"loss": motion_mask_loss(output, batch.target, recipe.pretext)}
    if recipe.objective == "mahendran":
        return {"loss": flow_similarity_loss(output, batch.target, recipe.pretext, generator)}
    if recipe.model.head == "bins":
        return {"loss": bin_cross_entropy(output, batch.target, network.bins)}
    return {"loss": regression_loss(output, batch.target)}


def _log_of(parts: AttentionLoss) -> dict[str, Tensor]:
    return {
        "moving": parts.moving.detach(),
        "still": parts.still.detach(),
        "gate": parts.gate.detach(),
        "shape": parts.shape.detach(),
    }


def _limb_parts(
    network: CMP,
    decoder: ArrowAttentionDecoder,
    image: Tensor,
    motion: tuple[Tensor, ...],
    batch: Batch,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Return the loss of the limb head; nothing else of the decoder is run."""
    if batch.pulls is None or decoder.limbs is None:
        raise ValueError("objective 'limbs' needs pulls and a decoder with limb_channels")
    features = network.image_encoder(image)
    of_pulls = batch.pulls.image
    prepared = tuple(part[of_pulls] for part in decoder.limbs.prepare(*features[2:]))
    affinity = decoder.belonging(decoder.embed(features[1])[of_pulls], batch.guidance.points)
    parts = limb_loss(decoder.limbs, prepared, motion, affinity, batch.pulls, generator)
    return {
        "loss": parts.total,
        "joint": parts.joint.detach(),
        "outline": parts.outline.detach(),
        "near": parts.near.detach(),
    }


def train_one_step(
    state: TrainState, batches: list[Batch], recipe: Recipe, world: World, *, autocast: bool
) -> StepResult:
    """Do one step on this process's micro-batches.

    Where a gradient is not finite, in any process, no process changes its weights: the step is
    skipped and counted as done, so that the run goes on with other data.
    """
    schedule = recipe.schedule
    for group in state.optimizer.param_groups:
        group["lr"] = group["rate"] * learning_rate_at(schedule, state.step)

    def losses() -> Iterator[dict[str, Tensor]]:
        for part, batch in enumerate(batches):
            generator = torch.Generator()
            number = state.step * schedule.micro_batches + part * world.size + world.rank
            generator.manual_seed(recipe.seed + number)
            with torch.autocast(world.device.type, dtype=torch.bfloat16, enabled=autocast):
                parts = compute_loss(state.network, batch, recipe, generator)
            yield parts

    done = descend(
        state.network,
        state.optimizer,
        losses(),
        world,
        micro_batches=schedule.micro_batches,
        clip=schedule.clip,
    )
    state.step += 1
    if not done.is_skipped:
        update_ema(state, schedule.ema)
    return done


def descend(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    losses: Iterable[dict[str, Tensor]],
    world: World,
    *,
    micro_batches: int,
    clip: float,
) -> StepResult:
    """Change the weights of a network by one step of its optimizer, the same in all processes.

    Args:
        network: In training mode.
        optimizer: With the learning rates of this step.
        losses: The loss of each of this process's micro-batches under the key ``loss``, and its
            parts; each is computed when it is asked for, and forgotten before the next one.
        world: This process's place.
        micro_batches: Of the step, in all processes together; gradients are the mean over them.
        clip: Largest gradient norm; 0 clips nothing.

    Returns:
        The sums of the parts; skipped if the gradient is not finite, and then nothing has changed.
    """
    optimizer.zero_grad(set_to_none=True)
    statistics = RunningStatistics(network)
    total: dict[str, Tensor] = {}
    for parts in losses:
        (parts["loss"] / micro_batches).backward()  # type: ignore[no-untyped-call]  # torch
        statistics.add()
        for key, value in parts.items():
            total[key] = total.get(key, torch.zeros_like(value)) + value.detach()
    parameters = [p for p in network.parameters() if p.requires_grad]
    sum_gradients(parameters, world)
    statistics.finish(micro_batches, world)
    norm = torch.nn.utils.clip_grad_norm_(parameters, clip if clip > 0 else math.inf)
    if not torch.isfinite(norm):
        statistics.restore()
        return StepResult(total, is_skipped=True)
    optimizer.step()
    return StepResult(total, is_skipped=False)


class RunningStatistics:
    """Moves the running means and variances of batch norms by the mean over micro-batches.

    PyTorch moves them once for each micro-batch and in each process alone. Here every micro-batch
    starts from the same statistics, and their changes are averaged over all processes, so that the
    step does not depend on how many there are.

    Args:
        network: In training mode; nothing is done for networks without such norms.
    """

    def __init__(self, network: nn.Module) -> None:
        self._buffers: list[Tensor] = []
        for module in network.modules():
            if isinstance(module, _BatchNorm) and module.training:
                self._buffers += [
                    b for b in (module.running_mean, module.running_var) if b is not None
                ]
        self._before = self._flat()
        self._sum = torch.zeros_like(self._before)

    def add(self) -> None:
        """Take what the forward pass of a micro-batch has made of the statistics."""
        if self._buffers:
            self._sum += self._flat() - self._before
            self.restore()

    def finish(self, micro_batches: int, world: World) -> None:
        """Set the statistics to their mean over ``micro_batches``, those of all processes."""
        if self._buffers:
            self._write(self._before + sum_values(self._sum, world) / micro_batches)

    def restore(self) -> None:
        """Set the statistics to what they were before the step."""
        if self._buffers:
            self._write(self._before)

    def _flat(self) -> Tensor:
        if not self._buffers:
            return torch.zeros(0)
        return torch.cat([buffer.reshape(-1) for buffer in self._buffers])

    def _write(self, flat: Tensor) -> None:
        sizes = [buffer.numel() for buffer in self._buffers]
        for buffer, values in zip(self._buffers, torch.split(flat, sizes), strict=True):
            buffer.copy_(values.view_as(buffer))
