"""Measure checkpoints on the test set: python evaluate.py NAME... --data-dir DIR; rewrites metrics.json and README.md."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from cvae import checkpoints, data, latent, metrics, tasks
from cvae.models import Classifier

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- evaluate.py writes from here -->", "<!-- to here -->"
JUDGE = "judge"
PIXELS = {True: "binarised pixels (one fresh Bernoulli draw per pixel)", False: "grey pixels"}


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    p = argparse.ArgumentParser(
        prog="evaluate.py", description="Test-set figures of checkpoints, into metrics.json and README.md."
    )
    p.add_argument("names", nargs="*", metavar="NAME", help="names under checkpoints/ (none: only rewrite README.md)")
    p.add_argument("--data-dir", type=Path, help="folder of the data sets (default: CVAE_DATA_DIR, else data/)")
    p.add_argument("--iw-samples", type=int, default=1000, help="samples of the importance-weighted bound (default 1000)")
    p.add_argument("--iw-images", type=int, default=1000, help="on how many first test images (default 1000)")
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args(argv)
    try:
        for name in args.names:
            evaluate(name, args)
    except (ValueError, FileNotFoundError) as error:
        print(f"evaluate.py: {error}", file=sys.stderr)
        return 2
    write_table(README, {name: read_metrics(name) for name in checkpoints.list_runs()})
    return 0


def evaluate(name: str, args: argparse.Namespace) -> None:
    """Measure one checkpoint; writes metrics.json and, for generative models, map.npz with the encoded test images."""
    model = checkpoints.load_run(name)
    preset = model.preset
    images = data.load(preset.data.dataset, False, args.data_dir, preset.model.image_shape, download=True)
    parameters = sum(p.numel() for p in model.parameters())
    if isinstance(model, Classifier):
        found = {"parameters": parameters, "accuracy": metrics.accuracy(model, images.pixels(), images.labels)}
    else:
        found = {"parameters": parameters, "decoder_mflop": metrics.decoder_mflop(model), **_generative(model, images, args)}
        u = latent.encode_dataset(model, images).numpy().astype(np.float16)
        np.savez_compressed(checkpoints.run_dir(name) / checkpoints.MAP, u=u, labels=images.labels.numpy().astype(np.uint8))
    text = json.dumps({"weights": checkpoints.weights_hash(name), "images": len(images), "seed": args.seed, **found}, indent=2)
    checkpoints.write_text(checkpoints.run_dir(name) / checkpoints.METRICS, text + "\n")
    print(name, {k: v for k, v in found.items() if k != "kl_per_dim"})


def _generative(model, images: data.ImageSet, args: argparse.Namespace) -> dict:
    generator = torch.Generator().manual_seed(args.seed)
    grey = images.pixels()
    x = data.binarize(grey, generator) if model.preset.data.binarize else grey
    nll, kl = metrics.nll_and_kl(model, x, images.labels, generator)
    per_dim = latent.kl_per_dim(model, x[:2000], images.labels[:2000], generator)
    first = range(min(args.iw_images, len(x)))
    log_p = [
        metrics.log_likelihood(model, x[i : i + 1], images.labels[i : i + 1], args.iw_samples, generator)
        for i in tqdm(first, desc="importance-weighted likelihood", unit="image")
    ]
    found = {
        "binarized": model.preset.data.binarize,
        "nll": float(nll.mean()),
        "kl": float(kl.mean()),
        "elbo": -float((nll + kl).mean()),
        "log_likelihood": float(torch.cat(log_p).mean()),
        "iw_samples": args.iw_samples,
        "iw_images": len(first),
        "mse": float(metrics.mse(grey, tasks.reconstruct(model, grey, images.labels)).mean()),
        "active_units": latent.active_units(per_dim),
        "kl_per_dim": [round(v, 4) for v in per_dim.tolist()],
    }
    if model.config.n_classes and JUDGE in checkpoints.list_runs():
        found["judge_accuracy"] = metrics.judge_accuracy(checkpoints.load_run(JUDGE), model, generator=generator)
    return found


def read_metrics(name: str) -> dict:
    """Return the metrics.json of a run, empty if it was never evaluated."""
    path = checkpoints.run_dir(name) / checkpoints.METRICS
    return json.loads(path.read_text()) if path.is_file() else {}


def write_table(readme: Path, found: dict[str, dict]) -> None:
    """Replace what stands between the two markers of README.md; ValueError if the markers are missing."""
    text = readme.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{readme} must hold the lines {BEGIN!r} and {END!r} around the table.")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(before + BEGIN + "\n" + tables(found) + END + after)


def tables(found: dict[str, dict]) -> str:
    """Return one Markdown table for each pixel protocol, because their likelihoods do not compare, then the judge's line."""
    parts = []
    for binarized, title in PIXELS.items():
        rows = {name: m for name, m in found.items() if m.get("binarized") is binarized}
        if rows:
            parts.append(f"Test set, {title}, nats per image:\n\n" + _table(rows))
    for name, m in found.items():
        if "accuracy" in m:
            parts.append(f"`{name}` reads {100 * m['accuracy']:.2f} % of the {m['images']:,} test digits right.\n")
    return "\n".join(parts)


def _table(rows: dict[str, dict]) -> str:
    head = [
        "model",
        "parameters",
        "decoder MFLOP",
        "nll",
        "kl",
        "-elbo",
        "-log p, importance-weighted",
        "MSE",
        "active units",
        "judged right",
    ]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for name, m in rows.items():
        judged = f"{100 * m['judge_accuracy']:.1f} %" if "judge_accuracy" in m else "-"
        weighted = f"{-m['log_likelihood']:.2f} (k={m['iw_samples']}, {m['iw_images']:,} images)"
        active = f"{m['active_units']} of {len(m['kl_per_dim'])}"
        cells = [f"`{name}`", f"{m['parameters']:,}", f"{m['decoder_mflop']:.1f}", f"{m['nll']:.2f}", f"{m['kl']:.2f}"]
        cells += [f"{-m['elbo']:.2f}", weighted, f"{m['mse']:.4f}", active, judged]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
