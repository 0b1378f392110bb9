"""What the app is in a root of its own, as the image has it: python benchmarks/image.py FOLDER (as root, on Linux)

With --packages in the place of FOLDER: how large the packages of both locks are in this environment.

FOLDER is what deploy/root.sh made. The app runs there as user 1000, the root not to be written, /tmp in memory, without
any network but the loopback of its own.
"""

import asyncio
import os
import re
import subprocess
import sys
import time
import urllib.request
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.machine import table  # noqa: E402

PORT = 8501
WARM = 30  # seconds in which the server loads its models
PAGES = ("", "Explore", "Generate", "Draw", "Inpaint", "Map", "Faces", "Models")
MOUNTS = """
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t tmpfs tmpfs "$1/tmp" && mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev" && ip link set lo up
shift
exec "$@"
"""
APP = {
    "PATH": "/usr/bin:/bin",
    "PYTHONPATH": "/libraries/lib/python3.11/site-packages",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "HOME": "/tmp",
    "CVAE_DATA_DIR": "/tmp/data",
}


def size(folder: Path) -> float:
    """Return the megabytes of all files below a folder, each once however many names it has."""
    files = (path.lstat() for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return sum({file.st_ino: file.st_size for file in files}.values()) / 1e6


def locked(name: str) -> set[str]:
    """Return the names of the packages of a lock."""
    return set(re.findall(r"^([\w.-]+)==", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))


def installed(package: str) -> float:
    """Return the megabytes of a package as pip installed it; 0 where it is not in this environment."""
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return 0.0
    return sum(path.stat().st_size for path in (Path(str(file.locate())) for file in files) if path.is_file()) / 1e6


def packages() -> None:
    """Print how large the packages are that serve, and those that only training needs."""
    serve = locked("requirements-serve.lock")
    rows = [("packages", "MB", "the largest")]
    parts = {"what serves": serve, "what trains besides": locked("requirements.lock") - serve}
    for what, names in parts.items():
        sizes = sorted(((installed(name), name) for name in names), reverse=True)
        missing = [name for size, name in sizes if not size]
        largest = ", ".join(f"{name} {size:.0f}" for size, name in sizes[:6])
        lacking = f"; not here: {', '.join(missing)}" if missing else ""
        rows.append((f"{what}: {len(names)}", f"{sum(size for size, _ in sizes):.0f}", largest + lacking))
    table("Packages of the locks", rows)


def start(root: Path) -> tuple[subprocess.Popen, float]:
    """Start the app in a root, in this network; return it and the seconds until it answers."""
    begin = time.monotonic()
    told = [f"{name}={value}" for name, value in APP.items()]
    run = f"cd /app && exec python3 -m streamlit run app.py --server.headless true --server.port {PORT}"
    app = subprocess.Popen(["chroot", "--userspec=1000:1000", str(root), "env", "-i", *told, "sh", "-c", run])
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/_stcore/health", timeout=2).close()
            return app, time.monotonic() - begin
        except OSError:
            if app.poll() is not None or time.monotonic() - begin > 60:
                raise RuntimeError("the app did not start") from None
            time.sleep(0.05)


def inside(root: Path) -> None:
    """Print the table, in a network that has nobody else."""
    from benchmarks.load import memory, open_page

    app, seconds = start(root)
    try:
        time.sleep(WARM)
        took = [asyncio.run(open_page(f"127.0.0.1:{PORT}", page)) for page in PAGES]
        megabytes = memory(app.pid).took[0]
    finally:
        app.terminate()
        app.wait(20)
    rows = [("what", "measured", "must reach")]
    own = (part for part in root.iterdir() if part.name not in ("dev", "proc", "tmp") and not part.is_symlink())
    sizes = {part.name: size(part) for part in own}
    parts = f"libraries {sizes['libraries']:.0f}, app {sizes['app']:.0f}"
    rows.append(("size of the root, MB", f"{sum(sizes.values()):.0f} ({parts})", "1300"))
    rows.append(("start until it answers", f"{seconds:.1f} s", "4 s"))
    rows.append(("memory after one visitor saw each page, MB", f"{megabytes:.0f}", "700"))
    rows.append(("slowest page", f"{max(took):.0f} ms", ""))
    table("The app in its own root", rows)


def main() -> None:
    """Measure in namespaces of its own."""
    if sys.argv[1:] == ["--packages"]:
        return packages()
    if sys.argv[1:2] == ["--inside"]:
        return inside(Path(sys.argv[2]))
    if len(sys.argv) != 2 or os.geteuid():
        sys.exit(__doc__)
    root = str(Path(sys.argv[1]).resolve())
    again = [sys.executable, str(Path(__file__).resolve()), "--inside", root]
    sys.exit(subprocess.run(["unshare", "--mount", "--net", "sh", "-ec", MOUNTS, "sh", root, *again]).returncode)


if __name__ == "__main__":
    main()
