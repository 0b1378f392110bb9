"""A signal ends every command in one line, with one status, whatever it was doing: loading modules, working, or ending.

Before a command has run its first lines no handler of ours can stand; /proc tells from when on one does.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cvae import interrupts
from cvae.commands import run
from tests.conftest import ROOT

COMMANDS = {  # words -> how its line begins; each has work for a long time
    ("train.py", "cvae-conv"): "train.py",
    ("evaluate.py", "plane", "--iw-samples", "1000000"): "evaluate.py",
    ("-m", "cvae.export", "painter"): "cvae.export",
    ("-m", "cvae.export", "labels", "--html", "out.html"): "cvae.export",
    ("-m", "cvae.browser.program", "labels"): "cvae.browser.program",
}
MOMENTS = (0, 0.05, 0.2, 0.5, 1.2, 3)  # seconds from when the guard stands
ENDS = {signal.SIGINT: (130, "interrupted."), signal.SIGTERM: (143, "terminated.")}

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc here")


def handles(pid: int, number: int) -> bool:
    """Tell whether a process has a handler for a signal; for SIGTERM Python itself has none."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    mask = next(line.split()[1] for line in text.splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def started(words: tuple[str, ...], folder: Path, data_root: Path) -> subprocess.Popen:
    """Start a command in `folder`; return it as soon as its guard stands."""
    more = ("--data-dir", str(data_root)) if words[0].endswith(".py") else ()
    first = (str(ROOT / words[0]),) if words[0].endswith(".py") else words[:1]
    call = [sys.executable, *first, *words[1:], *more]
    process = subprocess.Popen(call, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not handles(process.pid, signal.SIGTERM) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.002)
    return process


def lines(text: str) -> list[str]:
    """Return the lines of stderr without those of progress bars."""
    return [line for line in text.replace("\r", "\n").split("\n") if line.strip() and "batch" not in line]


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: "-".join(words).replace("/", "-"))
def test_a_signal_at_any_moment_is_one_line_and_its_status(words, zoo, runs, tmp_path_factory, data_root):
    for moment, number in zip(MOMENTS, [*ENDS] * 3, strict=True):
        status, said = ENDS[number]
        folder = tmp_path_factory.mktemp("work")
        process = started(words, folder, data_root)
        time.sleep(moment)
        process.send_signal(number)
        err = process.communicate(timeout=60)[1]
        if process.returncode == 0 and moment > 1:
            return  # it was done before
        (line,) = lines(err)
        assert line.startswith(f"{COMMANDS[words]}: {said}") and process.returncode == status, (moment, err)
        assert not list(folder.rglob("*.tmp*")) and not list(zoo.glob(".*.lock"))


@pytest.mark.slow
@pytest.mark.parametrize("first, second", [(a, b) for a in ENDS for b in ENDS])
def test_signals_after_the_first_change_nothing(first, second, zoo, runs, tmp_path, data_root):
    for moment in (0.1, 1.5):
        process = started(("evaluate.py", "plane", "--iw-samples", "1000000"), tmp_path, data_root)
        time.sleep(moment)
        process.send_signal(first)
        while process.poll() is None:
            process.send_signal(second)
            time.sleep(0.005)
        # of two that come in the midst of a computation either may be heard first
        (line,) = lines(process.communicate()[1])
        assert (process.returncode, line.partition(": ")[2]) in {ENDS[first], ENDS[second]}


SLOW_END = """
import atexit, sys, time
from cvae.commands import run
from cvae.interrupts import command
atexit.register(time.sleep, 1)
def work(): print("done", flush=True)
command("name", lambda: run("name", work))
"""


def test_a_signal_while_the_interpreter_ends_changes_nothing():
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_END], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == b"done\n"
    time.sleep(0.2)
    for number in ENDS:
        process.send_signal(number)
    assert process.communicate(timeout=60)[1] == b"" and process.returncode == 0


def test_a_signal_that_was_swallowed_does_not_make_a_command_deaf(monkeypatch, capsys):
    def work():
        for _ in range(3):
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:  # as a library may do
                monkeypatch.setattr(interrupts, "PATIENCE", 0)
        signal.raise_signal(signal.SIGTERM)

    assert run("name", work) == 143 and capsys.readouterr().err == "name: terminated.\n"


@pytest.mark.parametrize("number", ENDS, ids=lambda number: number.name)
@pytest.mark.parametrize("error", [None, AttributeError("half a module"), ValueError("wrong"), SystemExit(0)], ids=repr)
def test_what_a_library_makes_of_a_signal_is_told_as_the_signal(number, error, capsys):
    def work():
        try:
            signal.raise_signal(number)
        except BaseException:  # noqa: BLE001 - as a library may do around an import
            if error:
                raise error from None

    handler = signal.getsignal(number)
    assert run("name", work) == ENDS[number][0] and capsys.readouterr().err == f"name: {ENDS[number][1]}\n"
    assert signal.getsignal(number) == handler


def test_the_guard_stands_before_anything_heavy_is_loaded():
    for words in COMMANDS:
        file = ROOT / words[0] if words[0] != "-m" else ROOT / (words[1].replace(".", "/") + ".py")
        text = file.read_text(encoding="utf-8")
        first = next(line for line in text.splitlines() if line.startswith(("import ", "from ")))
        assert first.startswith("from cvae.interrupts import ") and "guard" in first
    script = "import sys; import cvae.interrupts; print(sorted({'torch', 'numpy', 'argparse'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-S", "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", ["train.py", "evaluate.py"])
def test_help_and_wrong_options_load_nothing_heavy(name):
    for option, status in (("--help", 0), ("--nothing", 2)):
        call = [sys.executable, "-X", "importtime", name, option]
        done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True)
        loaded = {line.split("|")[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
        assert done.returncode == status and "argparse" in loaded and not {"torch", "numpy", "cvae.data"} & loaded
