"""Build kernel.wasm from kernel.c by the compiler of the package ziglang: python -m cvae.browser.build OUT."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cvae.commands import OneLineParser, run
from cvae.interrupts import command

HERE = Path(__file__).parent
ZIG = "0.17.1"  # of ziglang: another version makes other bytes
FLAGS = ["-target", "wasm32-freestanding", "-O3", "-msimd128", "-nostdlib", "-fno-builtin", "-Wl,--no-entry"]
FLAGS += ["-fno-unroll-loops"]  # smaller, and hardly slower
FLAGS += ["-Wl,--strip-all", "-Wl,--import-memory", "-Wl,-z,stack-size=4096"]


def build(out: Path) -> None:
    """Write the kernel to `out`; ValueError where the compiler is missing or refuses."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, "-o", str(out.resolve()), "kernel.c"]
        done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True)
    if done.returncode:
        remedy = f"install the compiler with: pip install ziglang=={ZIG}"
        raise ValueError(f"the kernel was not built; {remedy}\n{done.stderr.strip()}")
    out.chmod(0o644)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    p = OneLineParser(prog="python -m cvae.browser.build", description="Build kernel.wasm from kernel.c.")
    p.add_argument("out", type=Path, metavar="OUT", help="the file to write")
    args = p.parse_args(argv)
    return run("cvae.browser.build", lambda: build(args.out))


if __name__ == "__main__":
    command("cvae.browser.build", main)
