"""How long a photograph of 12 megapixels takes to its digit, and how much memory: python benchmarks/photograph.py

Made photographs of 4000x3000 pixels, as JPEG files, are opened and their digit is found and read, as of an upload. The
memory is what this process held at its peak beyond what it held before the first of them, with all models loaded.
"""

import argparse
import io
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import median_and_p95, table
from benchmarks.sketches import pictures, supply

KIND = "12 megapixels"


def files(n: int, seed: int) -> list[bytes]:
    """Return n JPEG files of 12 megapixels."""
    contents = []
    for made in pictures(KIND, seed, n, supply()):
        file = io.BytesIO()
        made.image.convert("RGB").save(file, "JPEG", quality=90)
        contents.append(file.getvalue())
    return contents


def peak(reset: bool = False) -> float:
    """Return the most memory in MB that this process has held since it was last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return float(status.split("VmHWM:")[1].split()[0]) / 1000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=30, help="photographs")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # what making them took is not what reading them takes
        contents = pool.submit(files, options.n, options.seed).result()
    import torch

    from cvae import checkpoints, preprocess, tasks
    from cvae.data import pictures as opened

    model = checkpoints.load_run("cvae-conv")

    def read(content: bytes) -> None:
        digit = preprocess.to_digit(opened.open_picture(content))
        tasks.classify(model, digit, generator=torch.Generator().manual_seed(0))

    small = io.BytesIO()
    opened.open_picture(contents[0]).resize((400, 300)).save(small, "PNG")
    read(small.getvalue())
    before, times = peak(reset=True), []
    for content in contents:
        started = time.perf_counter()
        read(content)
        times.append(1000 * (time.perf_counter() - started))
    rows = [("what", "measured", "must reach"), ("photograph to digit", median_and_p95(times), "600 ms")]
    rows.append(("memory beyond that of the models", f"{peak() - before:.0f} MB", "400 MB"))
    rows.append(("memory in all", f"{peak():.0f} MB", ""))
    table(f"{options.n} photographs of {len(contents[0]) / 1e6:.1f} MB", rows)


if __name__ == "__main__":
    main()
