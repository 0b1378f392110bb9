"""Measure checkpoints on their test pictures: python evaluate.py NAME... --data-dir DIR; python evaluate.py --help.

Figures go into metrics.json of each, and into docs/results.md. cvae/cli/evaluate.py is the command line, and
cvae/evaluation/ says what is measured of which family.
"""

from cvae.interrupts import command, guard

if __name__ == "__main__":
    guard("evaluate.py")  # before anything else is loaded

from cvae.cli.evaluate import main

if __name__ == "__main__":
    command("evaluate.py", main)
