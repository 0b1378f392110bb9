"""What a reader of the loss curves would say at the end of a training, and what to try."""

import math
from itertools import takewhile

from cvae import objectives
from cvae.config import Preset

ENOUGH = 300  # optimiser steps of the whole model; with fewer it has hardly begun to learn
COLLAPSED = 0.1  # nats of KL; with fewer the latents tell a decoder next to nothing about a picture
CHANCE = 0.98  # share of the loss of a guess among all classes from which a classifier counts as guessing
ROSE = 0.05  # share of all that was gained on the validation pictures, lost again at the end
APART = 0.25  # share of all that was gained on the training pictures by which the validation pictures are behind
STILL = 1e-3  # relative change of a loss that has not moved


def remarks(history: list[dict], preset: Preset, steps: int) -> list[str]:
    """Return a sentence for each thing that is wrong with a finished training, none where nothing is.

    history has one row for each epoch, as history.csv; steps are those of one epoch. A loss is nll + beta * kl in nats.
    """
    if preset.train.epochs * steps < ENOUGH:
        return [_few(preset, steps)]
    if unlearned := _guesses(history, preset) or _still(history, preset):
        return [unlearned]
    return [remark for check in (_collapsed, _rose, _apart) if (remark := check(history, preset))]


def _few(preset: Preset, steps: int) -> str:
    taken, epochs = preset.train.epochs * steps, -(-ENOUGH // steps)
    plural = "s" if taken > 1 else ""
    return f"{taken} optimiser step{plural} in all, too few to learn from: try --epochs {epochs}, or more pictures."


def _loss(row: dict, part: str, preset: Preset) -> float:
    """Return what was minimised, with the final beta in all rows: with one that rises, two epochs would not compare."""
    return float(row[f"{part}_nll"]) + preset.train.beta * float(row[f"{part}_kl"])


def _joint(history: list[dict]) -> list[dict]:
    """Return the rows of the epochs in which the whole model learned, not the prior alone."""
    return [row for row in history if row["train_nll"] not in (None, "")]


def _collapsed(history: list[dict], preset: Preset) -> str | None:
    kl = float(history[-1]["val_kl"])
    if not preset.model.kind.has_prior or preset.train.beta == 0 or kl >= COLLAPSED:
        return None
    tried = f"a lower --lr (it was {preset.train.lr:g}) or --beta (it was {preset.train.beta:g})"
    sign = "the latents tell the decoder nothing, so all samples look alike"
    return f"the posterior collapsed (KL {kl:.2f} nats): {sign}. Try {tried}."


def _guesses(history: list[dict], preset: Preset) -> str | None:
    nll, classes = float(history[-1]["val_nll"]), max(2, preset.model.n_classes)
    if preset.model.kind.objective != "class" or nll < CHANCE * math.log(classes):
        return None
    text = f"the classifier does no better than a guess among {classes} classes"
    return f"{text}: try another --lr (it was {preset.train.lr:g})."


def _still(history: list[dict], preset: Preset) -> str | None:
    first, last = _loss(history[0], "val", preset), _loss(history[-1], "val", preset)
    if len(history) < 3 or abs(last - first) > STILL * abs(first):
        return None
    text = f"the loss stayed where it was after the first epoch ({last:.2f} nats)"
    return f"{text}: try another --lr (it was {preset.train.lr:g})."


def _rose(history: list[dict], preset: Preset) -> str | None:
    losses = [_loss(row, "val", preset) for row in history[: _before_a_critic(preset)]]
    if not losses:
        return None
    best, last = min(losses), losses[-1]
    if last - best <= ROSE * (losses[0] - best) + STILL * abs(best):
        return None
    epoch = history[losses.index(best)]["epoch"]
    text = f"the validation loss rose at the end, from {best:.2f} nats in epoch {epoch} to {last:.2f}"
    return f"{text}: try fewer --epochs or a lower --lr (it was {preset.train.lr:g})."


def _before_a_critic(preset: Preset) -> int:
    """Return after how many epochs a critic takes part, which asks for a sharp picture at the cost of the loss."""
    alone = takewhile(lambda stage: not objectives.of(stage, preset.model).critic, preset.train.stages)
    return sum(stage.epochs for stage in alone)


def _apart(history: list[dict], preset: Preset) -> str | None:
    joint = _joint(history)
    if len(joint) < 3:
        return None
    first, last = (_loss(row, "train", preset) for row in (joint[0], joint[-1]))
    held_out = _loss(joint[-1], "val", preset)
    if last > first or held_out - last <= APART * (first - last):
        return None
    text = f"the validation loss ({held_out:.2f} nats) is far above that of training ({last:.2f})"
    return f"{text}, so pictures are learned by heart: try more of them, fewer --epochs or a smaller --latent-dim."
