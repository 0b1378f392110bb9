"""What the command lines say when something goes wrong: one line, an exit status, and nothing lost or left behind."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import evaluate
import train
from cvae import checkpoints, claim, export, losses, run_state, steps, training, validation
from cvae.commands import Failed, leads, run
from cvae.presets import PRESETS
from tests.conftest import ROOT, bars, write_idx
from tests.test_training import command, history

pytestmark = pytest.mark.usefixtures("no_program")


def call(data_root, *options: str) -> int:
    return train.main(
        ["vae-dense-2d", "--data-dir", str(data_root), "--accelerator", "cpu", "--batch-size", "64", *options]
    )


@pytest.fixture(scope="module")
def ended(data_root, tmp_path_factory) -> Path:
    """The folder of a training that has ended after two epochs, to copy."""
    root = tmp_path_factory.mktemp("ended")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "ROOT", root)
        patch.setattr("cvae.cli.train._for_browsers", lambda folder: [])
        assert call(data_root, "--name", "a", "--epochs", "2") == 0
    return root / "a"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def last_line(capsys) -> str:
    """Return the only line that is not of a progress bar."""
    *bars, line = [line for line in capsys.readouterr().err.split("\n") if line]
    assert all("batch" in bar for bar in bars)
    return line


@contextmanager
def small_files(most: int):
    """Let no file be written that is longer, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "error, status, said",
    [
        (ValueError("a b"), 2, "a b"),
        (Failed("it failed\nfor two reasons"), 1, "it failed for two reasons"),
        (
            OSError(28, "No space left", "/x"),
            1,
            "/x: No space left; free some space, or name a folder on another disk.",
        ),
        (
            PermissionError(13, "Permission denied", "/x"),
            1,
            "/x: Permission denied; ask for access, or name another folder.",
        ),
        (FileNotFoundError("no such model"), 2, "no such model"),
        (KeyboardInterrupt(), 130, "interrupted."),
    ],
)
def test_each_kind_of_error_is_one_line_with_its_status(error, status, said, capsys):
    def work():
        raise error

    error.add_note("Kept.")
    assert run("name", work) == status
    assert capsys.readouterr().err == f"name: {said} Kept.\n"


def test_a_command_runs_in_any_thread():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run, "name", lambda: None).result() == 0


def test_other_processes_of_a_run_say_nothing(monkeypatch, capsys):
    def work():
        raise ValueError("wrong")

    for variable in ("RANK", "LOCAL_RANK", "NODE_RANK"):
        with monkeypatch.context() as patch:
            patch.setenv(variable, "1")
            assert not leads() and run("name", work) == 2
    assert leads() and not capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "number, status, word", [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
@pytest.mark.parametrize("epochs", [0, 2])
def test_a_signal_ends_a_training_in_one_line_and_it_goes_on(
    number, status, word, epochs, data_root, runs, monkeypatch, capsys
):
    def stopped(*given, take=steps.epoch):
        result, (epoch, _) = take(*given), given[-2:]
        if epoch == epochs:
            os.kill(os.getpid(), number)
            time.sleep(60)
        return result

    handler = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(steps, "epoch", stopped)
        assert call(data_root, "--name", "a", "--epochs", "4") == status
    assert signal.getsignal(number) == handler
    line = last_line(capsys)
    assert line.startswith(f"train.py: {word}.") and ("--resume goes on" in line) == bool(epochs)
    if not epochs:
        assert "Nothing was saved" in line and not list(runs.iterdir())
        return
    assert f"{runs / 'a'} keeps what was learned until epoch 2 of 4;" in line
    assert call(data_root, "--name", "a", "--epochs", "4", "--resume") == 0 and len(history(runs / "a")) == 4


@pytest.mark.slow
def test_a_terminated_command_leaves_no_lock(data_root, runs):
    process = subprocess.Popen(
        command(data_root, "--name", "a", "--epochs", "400"), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not (runs / "a" / "history.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.terminate()
    said = process.communicate(timeout=60)[1]
    assert (
        process.returncode == 143
        and "Traceback" not in said
        and said.splitlines()[-1].startswith("train.py: terminated.")
    )
    assert [path.name for path in runs.iterdir()] == ["a"]


def test_a_full_disk_keeps_the_last_state_and_leaves_no_half_file(data_root, runs, capsys):
    assert call(data_root, "--name", "a", "--epochs", "1") == 0
    before = files(runs / "a")
    capsys.readouterr()
    with small_files(100_000):
        assert call(data_root, "--name", "a", "--epochs", "2", "--overwrite") == 1
    line = last_line(capsys)
    assert line.startswith(f"train.py: {runs / 'a' / 'training.safetensors'}: File too large")
    assert f"What {runs / 'a'} held before is as it was." in line
    after = files(runs / "a")
    assert after.keys() == before.keys() and all(
        after[name] == before[name] for name in before if name != "progress.npz"
    )


def test_a_full_disk_leaves_no_folder_where_nothing_was_saved(data_root, runs, capsys):
    for most in (1000, 100_000, 5_000_000):  # for the pictures, or for the state
        with small_files(most):
            assert call(data_root, "--epochs", "1") == 1
        assert "Nothing was saved." in last_line(capsys) and not list(runs.iterdir())


def test_a_folder_that_cannot_be_written_is_said_before_the_work(data_root, runs, monkeypatch, capsys):
    def refuse(dir):
        raise OSError(30, "Read-only file system", str(dir))

    (runs / "a").mkdir()
    monkeypatch.setattr(claim, "TemporaryFile", refuse)
    monkeypatch.setattr(training, "fit", None)
    assert call(data_root, "--name", "a") == 1
    assert (
        capsys.readouterr().err
        == f"train.py: {runs / 'a'}: Read-only file system; name a folder that can be written.\n"
    )


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_place_of_the_checkpoints_is_said(below, data_root, runs, monkeypatch, capsys):
    (runs / "file").write_text("", encoding="utf-8")
    monkeypatch.setattr(checkpoints, "ROOT", runs / "file" / below)
    assert call(data_root) in (1, 2)
    assert "a folder is expected there, and not a file" in last_line(capsys)


DAMAGE = {
    "cut": lambda content: content[: len(content) // 2],
    "cut in its head": lambda content: content[:100],
    "empty": lambda content: b"",
    "garbage": lambda content: bytes(range(256)) * 40,
    "another file": lambda content: checkpoints.save({"x": torch.zeros(3)}),
    "no JSON": lambda content: checkpoints.save({"x": torch.zeros(3)}, {"preset": "{", "history": "["}),
    "no history": lambda content: content.replace(b'\\"train_nll\\"', b'\\"train_xxx\\"'),
    "other weights": lambda content: content.replace(b'"average.', b'"overage.'),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_state_is_refused_in_one_line_and_the_weights_stay(damage, ended, data_root, runs, capsys):
    shutil.copytree(ended, runs / "a")
    state = runs / "a" / "training.safetensors"
    state.write_bytes(damage(state.read_bytes()))
    before = files(runs / "a")
    capsys.readouterr()
    assert call(data_root, "--name", "a", "--epochs", "2", "--resume") == 2
    line = last_line(capsys)
    assert line.startswith(f"train.py: {state} is damaged") and "start anew with --overwrite" in line
    assert files(runs / "a") == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda moments: {key: value for key, value in moments.items() if key != "optimizer.0.exp_avg"},
        lambda moments: moments | {"optimizer.0.exp_avg": torch.zeros(3)},
        lambda moments: moments | {"optimizer.1.step": torch.ones(2)},
        lambda moments: moments | {"optimizer.999.step": torch.tensor(1.0)},
        lambda moments: {key.replace("exp_avg_sq", "square"): value for key, value in moments.items()},
    ],
)
def test_moments_of_another_optimizer_are_refused_in_one_line(damage, ended, data_root, runs, capsys):
    shutil.copytree(ended, runs / "a")
    state = runs / "a" / "training.safetensors"
    with run_state.safe_open(state, "pt") as file:
        about = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - an open file is no dictionary
    about["history"] = json.dumps(json.loads(about["history"])[:1])
    checkpoints.write_tensors(state, damage(tensors), about)
    capsys.readouterr()
    assert call(data_root, "--name", "a", "--epochs", "2", "--resume") == 2
    assert last_line(capsys).startswith(f"train.py: {state} is damaged")


def test_a_training_that_diverges_says_so_and_keeps_the_epoch_before(data_root, runs, monkeypatch, capsys):
    rows = []

    def worse(*args, measure=validation.measure):
        rows.append(measure(*args))
        return rows[-1] | ({"val_nll": None} if len(rows) == 2 else {})

    monkeypatch.setattr(validation, "measure", worse)
    assert call(data_root, "--name", "a", "--epochs", "3", "--lr", "0.5") == 1
    line = last_line(capsys)
    assert (
        "a diverged in epoch 2" in line and "a lower --lr (it was 0.5)" in line and line.endswith("until epoch 1 of 3.")
    )
    assert len(history(runs / "a")) == 1


def test_gradients_that_are_no_numbers_say_the_same(data_root, runs, monkeypatch, capsys):
    plain = losses.nll_and_kl
    monkeypatch.setattr(losses, "nll_and_kl", lambda *given: [1e35 * t * t for t in plain(*given)])
    assert call(data_root, "--name", "a", "--epochs", "3", "--beta", "7") == 1
    line = last_line(capsys)
    assert "a diverged in epoch 1" in line and "--beta (it was 7)" in line and "Nothing was saved." in line
    assert not list(runs.iterdir())


@pytest.mark.parametrize("pictures", [129, 257])
@pytest.mark.parametrize("preset", ["ae-dense", "ae-dense-faces"])
def test_a_rest_of_one_picture_is_left_out(pictures, preset, tmp_path, runs, monkeypatch):
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        images, labels = bars(-(-pictures * 5 // 4), 0)
        write_idx(raw / f"{part}-images-idx3-ubyte", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte", labels)
    options = ["--data-dir", str(tmp_path / "data"), "--accelerator", "cpu", "--epochs", "1", "--batch-size", "128"]
    model = replace(PRESETS[preset].model, image_shape=(1, 28, 28), widths=(8,))
    monkeypatch.setitem(PRESETS, preset, replace(PRESETS[preset], model=model, data=PRESETS["ae-dense"].data))
    assert train.main([preset, *options]) == 0


@pytest.mark.parametrize(
    "preset, options, said",
    [
        ("ae-dense", ["--batch-size", "1"], "BatchNorm"),
        ("vae-conv", ["--batch-size", "1"], "BatchNorm"),
        (
            "judge",
            ["--batch-size", "3", "--devices", "3", "--strategy", "ddp"],
            "--batch-size 3 over 3 processes gives 1",
        ),
        ("vae-dense", ["--batch-size", "10", "--devices", "4"], "must be divisible by the number of processes, 4"),
        ("vae-dense", ["--batch-size", "1024", "--devices", "1024"], "512 training pictures cannot be shared by 1024"),
    ],
)
def test_batches_that_cannot_be_shared_are_refused_before_the_work(preset, options, said, data_root, runs, capsys):
    assert train.main([preset, "--data-dir", str(data_root), "--accelerator", "cpu", *options]) == 2
    assert said in last_line(capsys) and not list(runs.iterdir())


@pytest.mark.slow
def test_a_single_picture_is_enough_without_batch_norm(data_root, runs):
    options = ["--data-dir", str(data_root), "--accelerator", "cpu", "--epochs", "1", "--batch-size", "1"]
    assert train.main(["vae-dense", *options]) == 0


HOLDER = """
import sys, time
from pathlib import Path
from cvae.claim import claim
with claim(Path(sys.argv[1]), "training vae-conv into"):
    print("holds", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_a_second_training_into_a_folder_is_refused_until_the_first_is_gone(data_root, runs, capsys):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(runs / "a")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "holds\n"
        assert call(data_root, "--name", "a") == 2
        line = last_line(capsys)
        assert (
            line.startswith(f"train.py: process {holder.pid} on ")
            and f"is training vae-conv into {runs / 'a'};" in line
        )
        assert call(data_root, "--name", "b", "--epochs", "1") == 0  # another folder is free
        (runs / "b").rename(runs / "a")
        capsys.readouterr()
        assert evaluate.main(["a", "--data-dir", str(data_root)]) == 2
        assert f"process {holder.pid}" in last_line(capsys) and not (runs / "a" / "metrics.json").exists()
    finally:
        holder.kill()
        holder.wait()
    assert (runs / ".a.lock").exists()  # as a killed process leaves it
    assert call(data_root, "--name", "a", "--epochs", "1", "--overwrite") == 0
    assert [path.name for path in runs.iterdir()] == ["a"] and checkpoints.list_runs() == ["a"]


@pytest.mark.slow
def test_of_two_trainings_started_at_once_one_is_done(data_root, runs):
    call = command(data_root, "--name", "a", "--epochs", "60")
    both = [
        subprocess.Popen(call, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = [process.communicate(timeout=300)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2], said
    refused = said[[process.returncode for process in both].index(2)]
    assert len(refused.splitlines()) == 1 and len(history(runs / "a")) == 60


def test_a_lock_of_a_process_number_that_is_used_again_is_free(runs):
    (runs / ".a.lock").write_text(f'{{"pid": {os.getpid()}, "host": "here", "doing": "training"}}', encoding="utf-8")
    refused = pytest.raises(ValueError, match=f"process {os.getpid()} on .* is measuring {runs / 'a'}; wait")
    with claim.claim(runs / "a", "measuring"), refused, claim.claim(runs / "a", "training"):
        pass
    assert not list(runs.iterdir())


def test_a_file_system_without_locks_is_used_without(runs, monkeypatch):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(claim.fcntl, "flock", refuse)
    with claim.claim(runs / "a", "training"):
        pass


NUMBERS = ["nan", "inf", "-1", "1e999", "-0.5", "", "1" * 30]


@pytest.mark.parametrize("value", NUMBERS)
def test_numbers_that_are_none_are_refused_by_every_option(value, data_root, runs, capsys):
    training = "epochs", "batch-size", "seed", "latent-dim", "lr", "beta", "image-size", "devices", "nodes"
    measuring = "iw-samples", "iw-images", "classify-samples", "hole-samples", "prior-samples", "seed"
    calls = [(train.main, ["cvae-small", "--data-dir", str(data_root)], option) for option in training]
    calls += [(evaluate.main, ["cvae-small"], option) for option in measuring]
    for main, words, option in calls:
        try:
            status = main([*words, f"--{option}={value}"])
        except SystemExit as left:
            status = left.code
        error = capsys.readouterr().err
        assert status == 2 and error.count("\n") == 1 and f"--{option} must" in error.replace(": must", " must"), error
    assert not list(runs.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["labels", "plane"])
def test_a_model_that_cannot_be_written_leaves_no_half_of_it(zoo, name, tmp_path, capsys):
    with small_files(2000):
        assert export.main([name, "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("cvae.export: ") and not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("damage", [lambda content: content[:60], lambda content: b"", lambda content: b"x" * 5000])
@pytest.mark.parametrize("part", ["images-idx3", "labels-idx1"])
def test_damaged_data_are_one_line(damage, part, tmp_path, runs, capsys):
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images, labels = bars(100, 0)
    for prefix in ("train", "t10k"):
        write_idx(raw / f"{prefix}-images-idx3-ubyte", images)
        write_idx(raw / f"{prefix}-labels-idx1-ubyte", labels)
    path = raw / f"train-{part}-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    assert train.main(["vae-dense", "--data-dir", str(tmp_path / "data"), "--epochs", "1"]) == 2
    assert "is damaged" in last_line(capsys) and [path.name for path in runs.iterdir()] == ["data"]


@pytest.mark.parametrize("columns", ["80", "200"])
def test_the_help_says_that_a_time_was_measured_on_a_gpu(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit):
        train.main(["--help"])
    said = capsys.readouterr().out
    assert "faces of whole heads on an H200; cvae-conv on two CPU cores takes six hours" in " ".join(said.split())
    assert all(len(line) <= int(columns) for line in said.splitlines() if "H200" in line or "presets," in line)
