"""Time the models without a browser; with nothing else on the machine: python benchmarks/models.py --data-dir DIR"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.machine import median_and_p95, table  # noqa: E402


def milliseconds(work, repeats: int) -> list[float]:
    """Return the time of each of `repeats` calls in ms, after three to warm up."""
    times = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return times[3:]


def generation(name: str, count: int, repeats: int) -> str:
    """Return median and 95th percentile of tasks.generate, with as many torch threads as the app sets."""
    import torch

    from cvae import tasks
    from cvae.checkpoints import load_run
    from ui.shell.server import THREADS

    torch.set_num_threads(THREADS)
    model = load_run(name)
    labels = torch.arange(count) % 10 if model.config.n_classes else None
    return median_and_p95(milliseconds(lambda: tasks.generate(model, labels, n=count), repeats))


def classification(name: str, repeats: int) -> str:
    """Return median and 95th percentile of tasks.classify of one drawing, as the app calls it."""
    import torch

    from cvae import tasks
    from cvae.checkpoints import load_run
    from ui.draw.results import CAREFUL

    model = load_run(name)
    x = tasks.generate(model, torch.tensor([3]), generator=torch.Generator().manual_seed(0))
    return median_and_p95(milliseconds(lambda: tasks.classify(model, x, CAREFUL), repeats))


def epoch(preset: str, data_dir: str) -> float:
    """Return the seconds of a training epoch with its validation, the second of two."""
    with tempfile.TemporaryDirectory() as runs:
        options = [preset, "--epochs", "2", "--data-dir", data_dir, "--accelerator", "cpu"]
        environment = os.environ | {"CVAE_CHECKPOINTS": runs}
        subprocess.run(
            [sys.executable, ROOT / "train.py", *options], check=True, env=environment, stderr=subprocess.DEVNULL
        )
        return float((Path(runs) / preset / "history.csv").read_text(encoding="utf-8").splitlines()[-1].split(",")[-1])


def main() -> None:
    """Print the table."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data-dir", default=os.environ.get("CVAE_DATA_DIR", "data"))
    args = p.parse_args()
    rows = [("what", "median / p95", "must reach")]
    rows.append(("tasks.generate, cvae-conv, one digit", generation("cvae-conv", 1, 300), "2 ms"))
    rows.append(("tasks.generate, cvae-conv, 100 digits", generation("cvae-conv", 100, 40), "40 ms"))
    rows.append(("tasks.classify, cvae-conv, one drawing, 8 samples", classification("cvae-conv", 60), "150 ms"))
    rows.append(("training epoch of vae-dense-2d", f"{epoch('vae-dense-2d', args.data_dir):.1f} s", "8 s"))
    table("Models", rows)


if __name__ == "__main__":
    main()
