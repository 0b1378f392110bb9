"""How other hands than MNIST's are read: python benchmarks/hands.py --n 600

The digits are scikit-learn's, 8x8 pixels enlarged to 200x200 and prepared as if they were uploaded: some of them at
random, all 1,797 without --n. They are read as on the pages, by `tasks.classify` with `cvae-conv`, and by `judge`.
"""

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1797, help="digits")
    parser.add_argument("--seed", type=int, default=0, help="of which digits they are")
    options = parser.parse_args()
    from cvae import checkpoints, tasks
    from cvae.evaluation.labels import pen_digits

    generator = torch.Generator().manual_seed(options.seed)
    x, labels = pen_digits(torch.randperm(1797, generator=generator)[: options.n].tolist())
    judge, model = checkpoints.load_run("judge"), checkpoints.load_run("cvae-conv")
    noise = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        readers = {
            "cvae-conv": torch.cat([tasks.classify(model, part, 8, noise) for part in x.split(50)]),
            "judge": judge(x),
        }
    shares = [(name, f"{100 * float((p.argmax(1) == labels).float().mean()):.1f}") for name, p in readers.items()]
    table(f"pen digits, {len(x)}", [("reader", "read right, %"), *shares])


if __name__ == "__main__":
    main()
