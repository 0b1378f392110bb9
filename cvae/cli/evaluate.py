"""Measure checkpoints on their test pictures: cvae-evaluate NAME..., in a clone also python evaluate.py NAME..."""

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from cvae.commands import OneLineParser, run, whole
from cvae.evaluation.options import Options
from cvae.interrupts import command, loading

MEASURED = """what is measured, on the test part of the data that a model learned from:
  vae, cvae      nll, kl and their sum in nats per picture; an importance-weighted log p (--iw-samples, --iw-images);
                 reconstruction, diversity; of a cvae how it classifies (--classify-samples); points for Explore
  inpainting     the error of completed pixels (--hole-samples); of any hole, log p of quadrants (--iw-images,
                 --prior-samples), and how many completions a judge takes for digits
  autoencoder    the error of reconstructions, the diversity of samples; points for Explore
  denoising      the PSNR before and after cleaning
  classifier     the share of pictures read right
  of faces       reconstruction beside principal components, who is recognised, what the smile changes; codes for Faces;
                 of those that are told a label, what the other label changes
Options of another family are ignored, with --map all but --data-dir and --seed, with --sliders all but --slider-styles
and --seed. Figures of models of the digits and faces go into docs/results.md too, where that lies beside the folder of
the checkpoints, as in a clone."""


def parser(program: str) -> argparse.ArgumentParser:
    """Return the command line."""
    title, usual = "Test-set figures of checkpoints, into metrics.json and docs/results.md.", Options()
    p = OneLineParser(program, description=title, epilog=MEASURED, formatter_class=argparse.RawDescriptionHelpFormatter)
    number: dict[str, Any] = {"type": whole(1, 1_000_000), "metavar": "INT"}
    names = "names under checkpoints/ (none: only rewrite docs/results.md)"
    p.add_argument("names", nargs="*", metavar="NAME", help=names)
    p.add_argument("--all", action="store_true", help="every run under checkpoints/")
    p.add_argument("--data-dir", type=Path, help="folder of the data sets (default: CVAE_DATA_DIR, else data/)")
    samples = "samples of -log p for each picture (default %(default)s)"
    p.add_argument("--iw-samples", default=usual.iw_samples, help=samples, **number)
    p.add_argument("--iw-images", help="on how many first test images, for a quick look (default: all)", **number)
    samples = "importance samples for each label (default %(default)s)"
    p.add_argument("--classify-samples", default=usual.classify_samples, help=samples, **number)
    samples = "completions whose mean is measured (default %(default)s)"
    p.add_argument("--hole-samples", default=usual.hole_samples, help=samples, **number)
    samples = "samples of the prior, at most, for log p of one visible quadrant (default %(default)s)"
    p.add_argument("--prior-samples", default=usual.prior_samples, help=samples, **number)
    seed = "of all that is drawn (default %(default)s)"
    p.add_argument("--seed", type=whole(0, 2**31), metavar="INT", default=usual.seed, help=seed)
    devices = "where likelihoods are computed (auto: a GPU if there is one)"
    p.add_argument("--device", default=usual.device, choices=["auto", "cpu", "cuda"], help=devices)
    keep = "keep what metrics.json holds for the same weights, measure what is missing"
    p.add_argument("--keep", action="store_true", help=keep)
    layout = "measure nothing; lay out the test images for the Map page, in map.npz"
    p.add_argument("--map", action="store_true", help=layout)
    named = "measure nothing else; fit and measure the sliders with names of Explore, in sliders.safetensors"
    p.add_argument("--sliders", action="store_true", help=named)
    samples = "styles of each label on which these are measured (default %(default)s)"
    p.add_argument("--slider-styles", default=usual.slider_styles, help=samples, **number)
    return p


def main(argv: list[str] | None = None, program: str = "evaluate.py") -> int:
    """Run the command line; returns the exit status."""
    args = parser(program).parse_args(argv)
    return run(program, lambda: _measure(args, program))


def installed() -> None:
    """Be the command that pip installs."""
    command("cvae-evaluate", lambda: main(program="cvae-evaluate"))


def _measure(args: argparse.Namespace, program: str) -> None:
    """Do what the command line asks, each model as long as no other process writes into its folder."""
    with loading(program):
        from cvae import checkpoints
        from cvae.claim import claim
        from cvae.evaluation import maps, measuring, results, sliders, subject

    options = Options(**{field.name: getattr(args, field.name) for field in fields(Options)})
    subject.device_of(options)  # a wrong one is said before the work
    if not (args.names or checkpoints.list_runs()):  # or the tables of docs/results.md would be emptied
        remedy = "train one with: python train.py vae-dense-2d"
        raise FileNotFoundError(f"there is no checkpoint in {checkpoints.ROOT}; {remedy}")
    if not (args.names or args.all or results.page().is_file()):
        raise FileNotFoundError(f"there is no {results.page()} to write; name a model to measure.")
    work = maps.write_map if args.map else sliders.write if args.sliders else measuring.evaluate
    for name in checkpoints.list_runs() if args.all else args.names:
        with claim(checkpoints.run_dir(name).resolve(), "measuring"):
            work(name, options)
    if not args.map and results.page().is_file() and (not args.names or any(map(results.is_public, args.names))):
        results.write(results.page(), results.figures())
