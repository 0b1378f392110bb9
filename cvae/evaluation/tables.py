"""The figures of several models as Markdown, for docs/results.md."""

from collections.abc import Iterable, Sequence
from typing import Any

from cvae.evaluation.options import IW_SAMPLES

Figures = dict[str, dict[str, Any]]  # by name of the model, as metrics.json holds them

PIXELS = {  # likelihood protocol -> what its table says; figures of two protocols never compare
    "binarised": "binarised pixels (one fresh Bernoulli draw per pixel)",
    "grey": "grey pixels",
    "gaussian": "grey pixels as a Gaussian of standard deviation 0.1, a density (so values below zero are possible)",
}
BOUND = "nll", "kl", "-elbo", "-log p(x given y)", "-log p(x)"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Return a table; the first `left` columns are texts, the others numbers, which are aligned on the right."""
    rule = "|" + "---|" * left + "---:|" * (len(head) - left)
    return "\n".join([_row(head), rule, *map(_row, rows)]) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def likelihoods(models: Figures) -> str:
    """Return the likelihoods of models of one protocol, in nats, with what else is measured of a VAE or CVAE."""
    rows = []
    for name, m in models.items():
        given, marginal = (log_p(m, key) for key in ("log_likelihood", "log_marginal"))
        if "classification" not in m:  # not conditional: what it has is log p(x)
            given, marginal = marginal, given
        bound = f"{m['nll']:.2f}", f"{m['kl']:.2f}", f"{-m['elbo']:.2f}", given, marginal
        active = f"{m['active_units']} of {len(m['kl_per_dim'])}"
        judged = f"{100 * m['judge_accuracy']:.1f} %" if "judge_accuracy" in m else "-"
        diversity = f"{m['diversity']:.2f}" if "diversity" in m else "-"
        rows.append([f"`{name}`", *bound, f"{m['mse']:.4f}", active, judged, diversity])
    return table(("model", *BOUND, "MSE", "active units", "judged right", "diversity"), rows)


def log_p(m: dict[str, Any], key: str) -> str:
    """Return a cell; it says on how many samples it rests if not the usual number, on how many pictures if not all."""
    if key not in m:
        return "-"
    notes = [f"k={m['iw_samples']:,}"] if m["iw_samples"] != IW_SAMPLES else []
    notes += [f"the first {m['iw_images']:,}"] if m["iw_images"] != m.get("images") else []
    return f"{-m[key]:.2f}" + (f" ({', '.join(notes)})" if notes else "")


def codes(models: Figures) -> str:
    """Return the errors of plain autoencoders, and how diverse their samples are."""
    cells = {name: (f"{m['code']} numbers", f"{m['mse']:.4f}", f"{m['diversity']:.2f}") for name, m in models.items()}
    return table(("model", "code", "MSE", "diversity of samples"), [(f"`{name}`", *row) for name, row in cells.items()])


def accuracy(name: str, m: dict[str, Any]) -> str:
    """Return in a sentence how much a classifier reads right."""
    return f"`{name}` reads {100 * m['accuracy']:.2f} % of the {m['images']:,} test {m.get('of', 'digits right')}.\n"


def ink(name: str, m: dict[str, Any]) -> str:
    """Return in a sentence how well a network tells ink from all else."""
    of = f"{m['photographs']:,} made photographs of test digits"
    return f"`{name}` finds ink: intersection over union {100 * m['ink_iou']:.1f} %, over {of}.\n"


def cleaning(name: str, m: dict[str, Any]) -> str:
    """Return a table of the damages that a model cleans."""
    rows = [[damage, f"{v['before']:.1f} dB", f"{v['after']:.1f} dB"] for damage, v in m["psnr"].items()]
    head = f"Cleaned by `{name}`, PSNR over the {m['images']:,} test digits:\n\n"
    return head + table(("damage", "before", "after"), rows)


def completions(name: str, m: dict[str, Any]) -> str:
    """Return in a sentence how well holes are completed, with a table of the quadrants where those were measured."""
    errors = ", ".join(f"{hole} {error:.4f}" for hole, error in m["hole_mse"].items())
    of = f"the mean of {m['hole_samples']} completions"
    first = f"Completed by `{name}`, mean squared error over the hidden pixels of {of}: {errors}."
    if "quadrants" not in m:
        return first + "\n"
    usual = next(iter(m["quadrants"].values()))
    k, n = usual["iw_samples"], usual["iw_images"]
    head = ("quadrants visible", f"-elbo, {usual['particles']} particles", f"-log p, k={k} from q")
    keys = "elbo", "log_p_posterior", "log_p_prior"
    rows = [[task, *(f"{-q[key]:.2f}" for key in keys)] for task, q in m["quadrants"].items()]
    which = f"{'the first' if n < m['images'] else 'all'} {n:,} test digits"
    nats = f"Nats per image over the hidden pixels, grey (-log p of {which}):\n\n"
    parts = [f"{first} {nats}" + table((*head, f"-log p, k={k} from the prior"), rows)]
    if by_count := m.get("log_p_prior"):
        told = ", ".join(f"{-nats:.2f} with {int(count):,}" for count, nats in by_count.items())
        parts.append(f"With one quadrant visible, -log p by samples of the prior: {told}.\n")
    if sure := m.get("plausible"):
        parts.append(_plausible(sure))
    return "\n".join(parts)


def _plausible(m: dict[str, Any]) -> str:
    drawn = f"{m['each']} completions each of the lower half of the first {m['pictures']:,} test digits"
    shares = f"{100 * m['completions']:.1f} %, and {100 * m['real']:.1f} % of the digits themselves"
    return f"Of {drawn} `judge` reads some digit with a probability of 0.9 or more in {shares}.\n"


def classification(name: str, m: dict[str, Any]) -> str:
    """Return in a sentence how much a generative model reads right."""
    samples = f"{m['n_importance']} samples for each label"
    read = f"reads {100 * m['accuracy']:.2f} % of the test digits right"
    pens = f"{100 * m['pen_digits_accuracy']:.1f} % of {m['pen_digits']:,} pen digits that are not MNIST"
    return f"`{name}` as a generative classifier, {samples}, {read}, and {pens}.\n"


def costs(models: Figures) -> str:
    """Return what each model costs; - where there is no decoder of a single point, or nothing was measured."""
    rows = []
    for name, m in models.items():
        size, flops, decode = (m.get(key) for key in ("bytes", "decoder_mflop", "decode_ms"))
        seconds = m.get("training_seconds")
        cells = [f"`{name}`", f"{m['parameters']:,}", "-" if size is None else f"{size / 1e6:.1f} MB"]
        cells += ["-" if flops is None else f"{flops:.1f}", "-" if decode is None else f"{decode:.1f} ms"]
        rows.append([*cells, "-" if seconds is None else f"{seconds / 60:.0f} min"])
    return table(("model", "parameters", "size", "decoder MFLOP", "decode one", "trained for"), rows)
