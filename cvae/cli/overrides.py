"""The options of the training command that change a preset: what each changes, and what a right value is."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cvae.config import Preset, Stage

STAGES, DATASETS = "stages", "mnist, fashion_mnist, kmnist, emnist_digits, lfw"
# option -> what it changes, type, what a right value is
OVERRIDES: dict[str, tuple[str, Callable[[str], Any], str]] = {
    "epochs": (STAGES, int, "a whole number of 1 or more"),
    "batch_size": ("train", int, "a whole number of 1 or more, over all processes together"),
    "lr": (STAGES, float, "a number above 0 and at most 1"),
    "beta": ("train", float, "a number from 0 to 1e6; 1 is the plain evidence lower bound"),
    "seed": ("train", int, "a whole number of 0 or more"),
    "latent_dim": ("model", int, "a whole number of 1 or more (4096 at most)"),
    "dataset": ("data", str, f"{DATASETS}, or an image folder with one subfolder per class"),
}
OF_ONE_MODEL = (*OVERRIDES, "image_size", "channels")
SIDES = 8, 256  # of the pictures of an image folder
FLAT_SIDE = 64  # the largest for a dense model that is given the visible pixels: each is an input of every layer


def with_overrides(preset: Preset, args: argparse.Namespace) -> Preset:
    """Return the preset with the options of the command line in place; ValueError says what a value should be."""
    for option, (part, kind, right) in OVERRIDES.items():
        if (text := getattr(args, option)) is None:
            continue
        try:
            preset = _changed(preset, part, option, kind(text))
        except ValueError as error:
            raise ValueError(f"--{option.replace('_', '-')} must be {right}; got {text!r}.") from error
    preset = replace(preset, model=replace(preset.model, image_shape=_image_shape(preset, args)))
    name = preset.name if args.name is None else args.name
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or name.startswith((".", "-")):
        rule = "a plain folder name of letters, digits, '-', '_' and '.', which begins with neither '.' nor '-'"
        raise ValueError(f"--name must be {rule}; got {name!r}.")
    return replace(preset, name=name)


def _changed(preset: Preset, part: str, option: str, value: Any) -> Preset:
    """Return the preset with one value in the place of its own; of stages, those of the first are meant."""
    if part != STAGES:
        return replace(preset, **{part: replace(getattr(preset, part), **{option: value})})
    first, *others = preset.train.stages
    changed = replace(first, **{option: value})
    stages = (changed, *(_in_proportion(stage, changed.epochs / first.epochs) for stage in others))
    return replace(preset, train=replace(preset.train, stages=stages))


def _in_proportion(stage: Stage, share: float) -> Stage:
    """Return a later stage where the first is longer by a factor; one that only completes what was learned stays."""
    return replace(stage, epochs=max(1, round(share * stage.epochs))) if stage.objective == "weighted" else stage


def _image_shape(preset: Preset, args: argparse.Namespace) -> tuple[int, int, int]:
    """Return the shape of the pictures; ValueError says which sides this preset's network can halve."""
    channels, height, width = preset.model.image_shape
    channels = int(args.channels or channels)
    if args.image_size is None:
        return channels, height, width
    least, most, step = *SIDES, preset.model.side_step
    if preset.model.kind.completes and not preset.model.sees_pixels:
        most = FLAT_SIDE
    text = args.image_size
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most and int(text) % step == 0):
        halved = f" that {step} divides, because {preset.name} halves the side again and again" if step > 1 else ""
        right = f"a whole number from {least} to {most}{halved}, such as 16 or 32"
        raise ValueError(f"--image-size must be {right}; got {text!r}.")
    return channels, int(text), int(text)


def ignored(preset: Preset) -> dict[str, str]:
    """Return the options that mean nothing to a preset, each with the reason."""
    no_kl = {} if preset.model.kind.has_prior else {"--beta": "it has no KL"}
    return no_kl | ({"--latent-dim": "it has no code"} if not preset.model.kind.latent else {})
