"""Train a preset into checkpoints/NAME: python train.py vae-conv --data-dir DIR, or all of them; see python train.py --help."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from cvae.config import Preset
from cvae.presets import PRESETS

ALL = "all"
OVERRIDES = {  # option -> part of the preset, type, what a right value is
    "epochs": ("train", int, "a whole number of 1 or more"),
    "batch_size": ("train", int, "a whole number of 1 or more, over all processes together"),
    "lr": ("train", float, "a number above 0 and at most 1"),
    "beta": ("train", float, "a number of 0 or more; 1 is the plain evidence lower bound"),
    "seed": ("train", int, "a whole number of 0 or more"),
    "latent_dim": ("model", int, "a whole number of 1 or more (4096 at most)"),
    "dataset": ("data", str, "mnist, fashion_mnist, kmnist, emnist_digits, lfw, or an image folder with one subfolder per class"),
}
SIDES = 8, 256  # of the pictures of an image folder
FLAT_SIDE = 64  # the largest for a dense model that is told the visible pixels: each is an input of every layer


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> None:
        self.exit(2, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    p = OneLineParser(prog="train.py", description="Train one model of the zoo; writes checkpoints/NAME after every epoch.")
    p.add_argument("preset", choices=[*sorted(PRESETS), ALL], help="which model; all: every one that an earlier call did not finish")
    p.add_argument("--name", help="folder under checkpoints/ (default: the preset's name)")
    p.add_argument("--data-dir", type=Path, help="folder of the data sets (default: CVAE_DATA_DIR, else data/)")
    p.add_argument("--resume", action="store_true", help="continue an interrupted run with the same settings")
    p.add_argument("--overwrite", action="store_true", help="start anew where a checkpoint of this name exists")
    for option, (_, kind, right) in OVERRIDES.items():
        p.add_argument("--" + option.replace("_", "-"), metavar=kind.__name__.upper(), help=right)
    p.add_argument("--image-size", metavar="INT", help="side of the squares that the pictures of an image folder are made, in pixels")
    p.add_argument("--channels", choices=["1", "3"], help="1 makes the pictures of an image folder grey, 3 keeps their colours")
    p.add_argument("--accelerator", default="auto", choices=["auto", "cpu", "gpu", "mps"], help="where to compute")
    p.add_argument("--devices", type=_count, help="devices or processes on this machine (default: every GPU, or one CPU process)")
    p.add_argument("--nodes", type=_count, default=1, help="how many machines (start one command on each, or use torchrun)")
    p.add_argument("--strategy", default="auto", choices=["auto", "ddp"], help="how several processes share the work")
    p.add_argument("--precision", default="32-true", choices=["32-true", "16-mixed", "bf16-mixed"], help="of the arithmetic")
    p.add_argument("--compile", action="store_true", help="compile the model first, for shorter steps; needs a C++ compiler")
    return p


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of 1 or more; got {text!r}")
    return int(text)


def with_overrides(preset: Preset, args: argparse.Namespace) -> Preset:
    """Return the preset with the options of the command line in place; ValueError says what a value should be."""
    for option, (part, kind, right) in OVERRIDES.items():
        text = getattr(args, option)
        if text is None:
            continue
        try:
            preset = replace(preset, **{part: replace(getattr(preset, part), **{option: kind(text)})})
        except ValueError as error:
            raise ValueError(f"--{option.replace('_', '-')} must be {right}; got {text!r}.") from error
    preset = replace(preset, model=replace(preset.model, image_shape=_image_shape(preset, args)))
    name = args.name or preset.name
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise ValueError(f"--name must be a plain folder name of letters, digits, '-', '_' and '.'; got {name!r}.")
    return replace(preset, name=name)


def _image_shape(preset: Preset, args: argparse.Namespace) -> tuple[int, int, int]:
    """Return the shape of the pictures; ValueError says which sides this preset's network can halve."""
    channels, height, width = preset.model.image_shape
    channels = int(args.channels or channels)
    if args.image_size is None:
        return channels, height, width
    least, most, step = *SIDES, preset.model.side_step
    if (preset.model.family, preset.model.network) == ("inpainting", "dense"):
        most = FLAT_SIDE
    text = args.image_size
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most and int(text) % step == 0):
        halved = f" that {step} divides, because {preset.name} halves the side again and again" if step > 1 else ""
        raise ValueError(f"--image-size must be a whole number from {least} to {most}{halved}, such as 16 or 32; got {text!r}.")
    return channels, int(text), int(text)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    args = parser().parse_args(argv)
    try:
        (train_all if args.preset == ALL else train)(args)
    except (ValueError, FileNotFoundError, FileExistsError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    return 0


def train_all(args: argparse.Namespace) -> None:
    """Train every preset into the folder of its name, and say before how long each took the last time.

    A run that was interrupted goes on, one that is done is left alone: its training.safetensors tells. ValueError where an
    option is given that holds for one model alone.
    """
    from cvae import checkpoints, training

    if args.name or args.overwrite or args.resume or any(getattr(args, option) for option in (*OVERRIDES, "image_size", "channels")):
        raise ValueError(f"{ALL} takes no settings of a single model; it goes on where it was interrupted.")
    left = {}
    for name, preset in PRESETS.items():
        folder = checkpoints.ROOT / name
        done, total = training.epochs_done(folder, preset), training.stages(preset.train)[-1].last
        seconds = training.seconds_an_epoch(folder)
        time = "time unknown" if seconds is None else f"about {seconds * (total - done) / 60:.0f} min"
        print(f"{name}: " + (f"{done} of {total} epochs done, {time} left" if done < total else "done"))
        if done < total:
            left[name] = done
    for name, done in left.items():
        train(argparse.Namespace(**vars(args) | {"preset": name, "resume": done > 0, "overwrite": done == 0}))


def train(args: argparse.Namespace) -> None:
    """Load the data, fill in what it decides (the classes), and fit."""
    preset = with_overrides(PRESETS[args.preset], args)

    import torch  # late, so that --help and wrong values answer at once
    from lightning_fabric import Fabric

    from cvae import checkpoints, data, training

    folder = checkpoints.ROOT / preset.name
    if (folder / checkpoints.CONFIG).exists() and not (args.resume or args.overwrite):
        raise FileExistsError(f"{folder} exists; add --resume to continue it, --overwrite to start anew, or --name for another.")
    images, held_out = data.training_split(preset.data, preset.model.image_shape, args.data_dir, download=True)
    n_classes = len(images.classes) if preset.model.n_classes else 0
    preset = replace(preset, classes=images.classes, model=replace(preset.model, n_classes=n_classes))
    on_gpu = args.accelerator == "gpu" or (args.accelerator == "auto" and torch.cuda.is_available())
    devices = args.devices or ("auto" if on_gpu else 1)  # one CPU process already uses every core
    try:
        fabric = Fabric(
            accelerator=args.accelerator, devices=devices, num_nodes=args.nodes, strategy=args.strategy, precision=args.precision
        )
    except RuntimeError as error:  # Fabric's word for an accelerator that this machine lacks
        raise ValueError(f"--accelerator {args.accelerator} does not work here ({error}); use auto or cpu.") from error
    fabric.launch()
    if args.compile:
        _try_compiler(fabric.device)
    training.fit(preset, images, held_out, folder, fabric, resume=args.resume, compiled=args.compile)


def _try_compiler(device) -> None:
    """Compile something small; ValueError where that fails, before any work is lost."""
    import torch

    try:
        torch.compile(torch.sigmoid)(torch.zeros(8, device=device))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"--compile needs a C++ compiler such as g++ and the headers of Python ({reason}); install them or leave it out.") from error


if __name__ == "__main__":
    sys.exit(main())
