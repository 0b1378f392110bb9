"""Train a preset into checkpoints/NAME: python train.py vae-conv --data-dir DIR, or all of them; see python train.py --help."""

from cvae.interrupts import command, guard, loading

if __name__ == "__main__":
    guard("train.py")  # before anything else is loaded

import argparse
import csv
import shutil
import textwrap
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from cvae.claim import claim
from cvae.commands import Failed, OneLineParser, Terminated, leads, run, whole
from cvae.config import Preset
from cvae.diagnosis import remarks
from cvae.presets import PRESETS

ALL = "all"
SHIPPED = Path(__file__).parent / "checkpoints"
OVERRIDES = {  # option -> part of the preset, type, what a right value is
    "epochs": ("train", int, "a whole number of 1 or more"),
    "batch_size": ("train", int, "a whole number of 1 or more, over all processes together"),
    "lr": ("train", float, "a number above 0 and at most 1"),
    "beta": ("train", float, "a number from 0 to 1e6; 1 is the plain evidence lower bound"),
    "seed": ("train", int, "a whole number of 0 or more"),
    "latent_dim": ("model", int, "a whole number of 1 or more (4096 at most)"),
    "dataset": ("data", str, "mnist, fashion_mnist, kmnist, emnist_digits, lfw, or an image folder with one subfolder per class"),
}
SIDES = 8, 256  # of the pictures of an image folder
FLAT_SIDE = 64  # the largest for a dense model that is told the visible pixels: each is an input of every layer


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    p = OneLineParser(
        prog="train.py",
        description="Train one model of the zoo; writes checkpoints/NAME after every epoch.",
        epilog=_presets(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("preset", choices=[*sorted(PRESETS), ALL], metavar="PRESET", help="which model, one of those below, or all")
    p.add_argument("--name", help="folder under checkpoints/ (default: the preset's name)")
    p.add_argument("--data-dir", type=Path, help="folder of the data sets (default: CVAE_DATA_DIR, else data/)")
    p.add_argument("--resume", action="store_true", help="continue an interrupted run with the same settings")
    p.add_argument("--overwrite", action="store_true", help="start anew where a checkpoint of this name exists")
    for option, (_, kind, right) in OVERRIDES.items():
        p.add_argument("--" + option.replace("_", "-"), metavar=kind.__name__.upper(), help=right)
    p.add_argument("--image-size", metavar="INT", help="side of the squares that the pictures of an image folder are made, in pixels")
    p.add_argument("--channels", choices=["1", "3"], help="1 makes the pictures of an image folder grey, 3 keeps their colours")
    p.add_argument("--accelerator", default="auto", choices=["auto", "cpu", "gpu", "mps"], help="where to compute")
    p.add_argument("--devices", type=whole(1, 4096), metavar="INT", help="devices or processes on this machine (default: every GPU, or one CPU process)")
    p.add_argument("--nodes", type=whole(1, 4096), metavar="INT", default=1, help="how many machines (start one command on each, or use torchrun)")
    p.add_argument("--strategy", default="auto", choices=["auto", "ddp"], help="how several processes share the work")
    p.add_argument("--precision", default="32-true", choices=["32-true", "16-mixed", "bf16-mixed"], help="of the arithmetic")
    p.add_argument("--compile", action="store_true", help="compile the model first, for shorter steps; needs a C++ compiler")
    return p


def _presets() -> str:
    """Return a list of the presets: what each is, and how long the one that comes with the app was trained."""
    width = shutil.get_terminal_size().columns
    gap = max(map(len, PRESETS)) + 2
    lines = []
    for name, preset in PRESETS.items():
        start = f"  {name:<{gap}}{_minutes(SHIPPED / name / 'history.csv'):>7}   "
        lines.append(textwrap.fill(preset.summary, max(60, width - 2), initial_indent=start, subsequent_indent=" " * len(start)))
    lines.append(f"  {ALL:<{gap}}{'':>7}   every one of them that an earlier call did not finish")
    took = "presets, and how long the training of those that come with the app took"
    gpu = "(cvae-conv on an H200; on two CPU cores it takes some six hours):"
    head = textwrap.fill(f"{took} {gpu}", width - 2, break_on_hyphens=False)
    tail = []
    for option in ("--beta", "--latent-dim"):
        without = ", ".join(name for name, preset in PRESETS.items() if option in _ignored(preset))
        tail.append(textwrap.fill(f"{option} is ignored by {without}.", width - 2))
    tail.append(textwrap.fill("--image-size and --channels are for image folders: MNIST and its kin are grey, of 28x28 pixels.", width - 2))
    return "\n".join([head, *lines, "", *tail])


def _ignored(preset: Preset) -> dict[str, str]:
    """Return the options that mean nothing to a preset, each with the reason."""
    no_kl = {} if preset.model.kind.has_prior else {"--beta": "it has no KL"}
    return no_kl | ({"--latent-dim": "it has no code"} if not preset.model.kind.latent else {})


def _minutes(history: Path) -> str:
    try:
        with history.open(encoding="utf-8") as file:
            return f"{sum(float(row['seconds']) for row in csv.DictReader(file)) / 60:.0f} min"
    except (OSError, KeyError, TypeError, ValueError, csv.Error):
        return ""


def with_overrides(preset: Preset, args: argparse.Namespace) -> Preset:
    """Return the preset with the options of the command line in place; ValueError says what a value should be."""
    usual = preset.train
    for option, (part, kind, right) in OVERRIDES.items():
        text = getattr(args, option)
        if text is None:
            continue
        try:
            preset = replace(preset, **{part: replace(getattr(preset, part), **{option: kind(text)})})
        except ValueError as error:
            raise ValueError(f"--{option.replace('_', '-')} must be {right}; got {text!r}.") from error
    preset = replace(preset, model=replace(preset.model, image_shape=_image_shape(preset, args)))
    if args.epochs is not None:  # the stages keep their proportion
        weighted = round(preset.train.epochs * usual.weighted_epochs / usual.epochs)
        preset = replace(preset, train=replace(preset.train, weighted_epochs=weighted))
    name = preset.name if args.name is None else args.name
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or name.startswith((".", "-")):
        rule = "a plain folder name of letters, digits, '-', '_' and '.', which begins with neither '.' nor '-'"
        raise ValueError(f"--name must be {rule}; got {name!r}.")
    return replace(preset, name=name)


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
        raise ValueError(f"--image-size must be a whole number from {least} to {most}{halved}, such as 16 or 32; got {text!r}.")
    return channels, int(text), int(text)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    args = parser().parse_args(argv)
    return run("train.py", lambda: (train_all if args.preset == ALL else train)(args))


def train_all(args: argparse.Namespace) -> None:
    """Train every preset into the folder of its name, and say before how long each took the last time.

    A run that was interrupted goes on, one that is done is left alone: its training.safetensors tells. ValueError where an
    option is given that holds for one model alone.
    """
    with loading("train.py"):
        from cvae import checkpoints, training

    if args.name is not None or args.overwrite or args.resume or any(getattr(args, option) for option in (*OVERRIDES, "image_size", "channels")):
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
    """Load the data, fill in what it decides (the classes), and fit; one process at a time trains into a folder."""
    preset = with_overrides(PRESETS[args.preset], args)

    with loading("train.py"):  # late, so that --help and wrong values answer at once
        import lightning_fabric  # noqa: F401 - what `_fit` needs, while nothing has been begun

        from cvae import checkpoints, data, schedule, training  # noqa: F401

    folder = checkpoints.ROOT / preset.name
    with claim(folder, f"training {args.preset} into") if leads() else nullcontext():
        if (folder / checkpoints.CONFIG).exists() and not (args.resume or args.overwrite):
            raise FileExistsError(f"{folder} exists; add --resume to continue it, --overwrite to start anew, or --name for another.")
        for option, reason in _ignored(preset).items():
            if leads() and getattr(args, option[2:].replace("-", "_")) is not None:
                print(f"{option} is ignored by {args.preset}: {reason}.")
        _fit(preset, folder, args)


def _fit(preset: Preset, folder: Path, args: argparse.Namespace) -> None:
    """Train into `folder` and say how it went; an error tells what it left there."""
    from cvae import data, schedule, training

    try:
        images, held_out = data.training_split(preset.data, preset.model.image_shape, args.data_dir, download=True)
        n_classes = len(images.classes) if preset.model.n_classes else 0
        preset = replace(preset, classes=images.classes, model=replace(preset.model, n_classes=n_classes))
        training.check_shares(preset, len(images), (args.devices or 1) * args.nodes)  # before processes are started
        fabric = _fabric(args)
        history = _followed(fabric, lambda: training.fit(preset, images, held_out, folder, fabric, args.resume, args.compile))
    except (KeyboardInterrupt, Terminated, OSError, Failed) as error:
        if getattr(error, "errno", 0) is not None:  # our own errors of a missing file come before the work
            error.add_note(training.kept(folder, preset, goes_on=not isinstance(error, training.Diverged)))
        raise
    if fabric.is_global_zero:
        print("\n".join(_verdict(preset, folder, history, schedule.steps(len(images), preset.train))))


def _fabric(args: argparse.Namespace):
    """Return Fabric on the devices that were asked for, its processes started; ValueError where this machine lacks them."""
    import torch
    from lightning_fabric import Fabric

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
    return fabric


def _followed(fabric, work: Callable[[], list[dict]]) -> list[dict]:
    """Return what `work` does; where it fails, the processes that this one started end too, which would wait for it."""
    try:
        return work()
    except BaseException:
        for process in getattr(fabric.strategy.launcher, "procs", ()):
            process.kill()
        raise


def _verdict(preset: Preset, folder: Path, history: list[dict], steps: int) -> list[str]:
    """Return the last figures of a training, what is wrong with them, and what to do next."""
    last = history[-1]
    kl = f", kl {last['val_kl']:.2f}" if preset.model.kind.has_prior else ""
    figures = f"{folder}: {len(history)} epochs; validation nll {last['val_nll']:.2f}{kl} nats per picture"
    following = f"measure it with: python evaluate.py {preset.name}; look at it with: streamlit run app.py"
    return [figures, *(f"note: {remark}" for remark in remarks(history, preset, steps)), following]


def _try_compiler(device) -> None:
    """Compile something small; ValueError where that fails, before any work is lost."""
    import torch

    try:
        torch.compile(torch.sigmoid)(torch.zeros(8, device=device))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"--compile needs a C++ compiler such as g++ and the headers of Python ({reason}); install them or leave it out.") from error


if __name__ == "__main__":
    command("train.py", main)
