"""Train a preset into checkpoints/NAME: python train.py vae-conv --data-dir DIR; see python train.py --help."""

from cvae.interrupts import command, guard

if __name__ == "__main__":
    guard("train.py")  # before anything else is loaded

from cvae.cli.train import main

if __name__ == "__main__":
    command("train.py", main)
