"""The command line that trains a preset, or all of them, into checkpoints/NAME."""

import argparse
import shutil
import textwrap
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvae import runs
from cvae.claim import claim
from cvae.cli.overrides import OF_ONE_MODEL, OVERRIDES, ignored, with_overrides
from cvae.commands import Failed, OneLineParser, Terminated, leads, run, whole
from cvae.config import Preset
from cvae.interrupts import command, loading
from cvae.presets import PRESETS

if TYPE_CHECKING:  # late in use, so that --help and wrong values answer at once
    import torch
    from lightning_fabric import Fabric

    from cvae.data import ImageSet

ALL = "all"
SHIPPED = Path(__file__).parents[2] / "checkpoints"  # in a clone


def main(argv: list[str] | None = None, program: str = "train.py") -> int:
    """Run the command line; returns the exit status."""
    args = parser(program).parse_args(argv)
    return run(program, lambda: (train_all if args.preset == ALL else train)(args, program))


def installed() -> None:
    """Be the command that pip installs."""
    command("cvae-train", lambda: main(program="cvae-train"))


def parser(program: str = "train.py") -> argparse.ArgumentParser:
    """Return the command line."""
    p = OneLineParser(
        prog=program,
        description="Train one model of the zoo; writes checkpoints/NAME after every epoch.",
        epilog=_presets(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    presets = [*sorted(PRESETS), ALL]
    p.add_argument("preset", choices=presets, metavar="PRESET", help="which model, one of those below, or all")
    p.add_argument("--name", help="folder under checkpoints/ (default: the preset's name)")
    p.add_argument("--data-dir", type=Path, help="folder of the data sets (default: CVAE_DATA_DIR, else data/)")
    p.add_argument("--resume", action="store_true", help="continue an interrupted run with the same settings")
    p.add_argument("--overwrite", action="store_true", help="start anew where a checkpoint of this name exists")
    for option, (_, kind, right) in OVERRIDES.items():
        p.add_argument("--" + option.replace("_", "-"), metavar=kind.__name__.upper(), help=right)
    side = "side of the squares that the pictures of an image folder are made, in pixels"
    p.add_argument("--image-size", metavar="INT", help=side)
    colours = "1 makes the pictures of an image folder grey, 3 keeps their colours"
    p.add_argument("--channels", choices=["1", "3"], help=colours)
    look = "train nothing; write NAME-look.png, which shows pictures of an image folder as the model will see them"
    p.add_argument("--look", action="store_true", help=look)
    _add_devices(p)
    return p


def _add_devices(p: argparse.ArgumentParser) -> None:
    """Add the options that say where and how to compute."""
    p.add_argument("--accelerator", default="auto", choices=["auto", "cpu", "gpu", "mps"], help="where to compute")
    devices = "devices or processes on this machine (default: every GPU, or one CPU process)"
    p.add_argument("--devices", type=whole(1, 4096), metavar="INT", help=devices)
    nodes = "how many machines (start one command on each, or use torchrun)"
    p.add_argument("--nodes", type=whole(1, 4096), metavar="INT", default=1, help=nodes)
    p.add_argument("--strategy", default="auto", choices=["auto", "ddp"], help="how several processes share the work")
    precisions = ["32-true", "16-mixed", "bf16-mixed"]
    p.add_argument("--precision", default="32-true", choices=precisions, help="of the arithmetic")
    compiled = "compile the model first, for shorter steps; needs a C++ compiler"
    p.add_argument("--compile", action="store_true", help=compiled)


def _presets() -> str:
    """Return a list of the presets: what each is, and how long the one that comes with the app was trained."""
    width = shutil.get_terminal_size().columns
    gap = max(map(len, PRESETS)) + 2
    lines = []
    for name, preset in PRESETS.items():
        start = f"  {name:<{gap}}{_minutes(SHIPPED / name):>7}   "
        margin = " " * len(start)
        text = textwrap.fill(preset.summary, max(60, width - 2), initial_indent=start, subsequent_indent=margin)
        lines.append(text)
    lines.append(f"  {ALL:<{gap}}{'':>7}   every one of them that an earlier call did not finish")
    took = "presets, and how long the training of those that come with the app took"
    gpu = "(cvae-conv, cvae-inpaint and faces of whole heads on an H200; cvae-conv on two CPU cores takes six hours):"
    head = textwrap.fill(f"{took} {gpu}", width - 2, break_on_hyphens=False)
    return "\n".join([head, *lines, "", *(textwrap.fill(remark, width - 2) for remark in _remarks())])


def _remarks() -> list[str]:
    """Return what options mean nothing to which preset or data set."""
    without = {
        option: ", ".join(name for name, preset in PRESETS.items() if option in ignored(preset))
        for option in ("--beta", "--latent-dim")
    }
    grey = "MNIST and its kin are grey, of 28x28 pixels"
    return [
        *(f"{option} is ignored by {names}." for option, names in without.items()),
        f"--image-size and --channels are for image folders: {grey}.",
    ]


def _minutes(folder: Path) -> str:
    seconds = runs.read(folder).seconds()
    return "" if seconds is None else f"{seconds / 60:.0f} min"


def train_all(args: argparse.Namespace, program: str = "train.py") -> None:
    """Train every preset into the folder of its name, and say before how long each took the last time.

    A run that was interrupted goes on, one that is done is left alone: its training.safetensors tells. ValueError where
    an option is given that holds for one model alone.
    """
    with loading(program):
        from cvae import checkpoints, run_state, schedule

    if args.name is not None or args.overwrite or args.resume or any(getattr(args, option) for option in OF_ONE_MODEL):
        raise ValueError(f"{ALL} takes no settings of a single model; it goes on where it was interrupted.")
    left = {}
    for name, preset in PRESETS.items():
        folder = checkpoints.ROOT / name
        done, total = run_state.epochs_done(folder, preset), schedule.total(preset.train)
        seconds = run_state.seconds_an_epoch(folder)
        time = "time unknown" if seconds is None else f"about {seconds * (total - done) / 60:.0f} min"
        print(f"{name}: " + (f"{done} of {total} epochs done, {time} left" if done < total else "done"))
        if done < total:
            left[name] = done
    for name, done in left.items():
        train(argparse.Namespace(**vars(args) | {"preset": name, "resume": done > 0, "overwrite": done == 0}), program)


def train(args: argparse.Namespace, program: str = "train.py") -> None:
    """Load the data, fill in what it decides (the classes), and fit; one process at a time trains into a folder."""
    preset = with_overrides(PRESETS[args.preset], args)

    with loading(program):
        import lightning_fabric  # noqa: F401 - what `_fit` needs, while nothing has been begun

        from cvae import checkpoints, data, provenance, run_state, schedule, training  # noqa: F401

    folder = checkpoints.ROOT / preset.name
    if args.look:
        return _look(preset, args)
    with claim(folder, f"training {args.preset} into") if leads() else nullcontext():
        if (folder / checkpoints.CONFIG).exists() and not (args.resume or args.overwrite):
            remedy = "add --resume to continue it, --overwrite to start anew, or --name for another"
            raise FileExistsError(f"{folder} exists; {remedy}.")
        for option, reason in ignored(preset).items():
            if leads() and getattr(args, option[2:].replace("-", "_")) is not None:
                print(f"{option} is ignored by {args.preset}: {reason}.")
        _fit(preset, folder, args)


def _look(preset: Preset, args: argparse.Namespace) -> None:
    """Write what the model will see of its data into a picture."""
    from cvae import data
    from cvae.data import looking

    _tell(preset, None)
    images, _ = data.training_split(preset.data, preset.model.image_shape, args.data_dir, download=True)
    path = Path(f"{preset.name}-look.png")
    looking.sheet(images).save(path)
    print(f"{path} shows what {preset.name} will see; train it without --look.")


def _tell(preset: Preset, resumed: Path | None) -> None:
    """Say what an image folder holds, and whether it is still as a training that goes on had it."""
    from cvae import data, provenance
    from cvae.data import folders

    if data.is_folder(preset.data.dataset) and leads():
        listing = folders.read(Path(preset.data.dataset))
        print(listing.summary)
        print("".join(f"note: {note}.\n" for note in listing.notes), end="")
        if changed := resumed and provenance.changed(resumed, preset.data.dataset):
            print(f"note: {changed}")


def _fit(preset: Preset, folder: Path, args: argparse.Namespace) -> None:
    """Train into `folder` and say how it went; an error tells what it left there."""
    from cvae import provenance, run_state, schedule, training

    try:
        preset, images, held_out = _loaded(preset, folder, args)
        fabric = _fabric(args)
        work = partial(training.fit, preset, images, held_out, folder, fabric, args.resume, args.compile)
        with provenance.kept(folder, preset.data.dataset, images, args.resume) if leads() else nullcontext():
            history = _followed(fabric, work)
    except (KeyboardInterrupt, Terminated, OSError, Failed) as error:
        if getattr(error, "errno", 0) is not None:  # our own errors of a missing file come before the work
            error.add_note(run_state.kept(folder, preset, goes_on=not isinstance(error, training.Diverged)))
        raise
    if fabric.is_global_zero:
        *told, following = _verdict(preset, folder, history, schedule.steps(len(images), preset.train))
        print("\n".join(told + _for_browsers(folder) + [following]))


def _loaded(preset: Preset, folder: Path, args: argparse.Namespace) -> tuple[Preset, "ImageSet", "ImageSet"]:
    """Return the preset with the classes of its data, and pictures to train on and to watch the training with."""
    from cvae import data, training

    _tell(preset, folder if args.resume else None)
    images, held_out = data.training_split(preset.data, preset.model.image_shape, args.data_dir, download=True)
    if preset.model.n_classes and len(images.classes) == 1:
        remedy = "give each class a subfolder, or train a model without labels, such as vae-conv"
        fault = f"{args.preset} learns from labels, and {preset.data.dataset} has a single class, {images.classes[0]}"
        raise ValueError(f"{fault}; {remedy}.")
    n_classes = len(images.classes) if preset.model.n_classes else 0
    preset = replace(preset, classes=images.classes, model=replace(preset.model, n_classes=n_classes))
    training.check(preset, len(images), (args.devices or 1) * args.nodes)  # before processes are started
    return preset, images, held_out


def _fabric(args: argparse.Namespace) -> "Fabric":
    """Return Fabric on the devices that were asked for, its processes started; ValueError where there are none such."""
    import torch
    from lightning_fabric import Fabric

    on_gpu = args.accelerator == "gpu" or (args.accelerator == "auto" and torch.cuda.is_available())
    devices = args.devices or ("auto" if on_gpu else 1)  # one CPU process already uses every core
    shared = {"num_nodes": args.nodes, "strategy": args.strategy, "precision": args.precision}
    try:
        fabric = Fabric(accelerator=args.accelerator, devices=devices, **shared)
    except RuntimeError as error:  # Fabric's word for an accelerator that this machine lacks
        raise ValueError(f"--accelerator {args.accelerator} does not work here ({error}); use auto or cpu.") from error
    fabric.launch()
    if args.compile:
        _try_compiler(fabric.device)
    return fabric


def _followed(fabric: "Fabric", work: Callable[[], list[dict]]) -> list[dict]:
    """Return what `work` does; where it fails, the processes that this one started end too, which would wait for it."""
    try:
        return work()
    except BaseException:
        for process in getattr(fabric.strategy.launcher, "procs", ()):
            process.kill()
        raise


def _verdict(preset: Preset, folder: Path, history: list[dict[str, Any]], steps: int) -> list[str]:
    """Return the last figures of a training, what is wrong with them, and what to do next."""
    from cvae.diagnosis import remarks

    last = history[-1]
    kl = f", kl {last['val_kl']:.2f}" if preset.model.kind.has_prior else ""
    epochs = "1 epoch" if len(history) == 1 else f"{len(history)} epochs"
    figures = f"{folder}: {epochs}; validation nll {last['val_nll']:.2f}{kl} nats per picture"
    following = f"measure it with: python evaluate.py {preset.name}; look at it with: streamlit run app.py"
    return [figures, *(f"note: {remark}" for remark in remarks(history, preset, steps)), following]


def _for_browsers(folder: Path) -> list[str]:
    """Write the program by which browsers run the model; return a line that says why there is none, or nothing."""
    from cvae import checkpoints
    from cvae.browser import program

    if not checkpoints.load_preset(folder).model.kind.draws:
        return []  # it makes no pictures that a browser could show
    try:
        program.write(folder)
    except (ValueError, RuntimeError, OSError) as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        return [f"note: browsers cannot run this model ({reason.rstrip('.')}), so the server decodes for the app."]
    return []


def _try_compiler(device: "torch.device") -> None:
    """Compile something small; ValueError where that fails, before any work is lost."""
    import torch

    try:
        torch.compile(torch.sigmoid)(torch.zeros(8, device=device))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        needed = f"a C++ compiler such as g++ and the headers of Python ({reason})"
        raise ValueError(f"--compile needs {needed}; install them or leave it out.") from error
