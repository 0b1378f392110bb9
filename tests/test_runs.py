"""metrics.json and history.csv are read in one place, which tells a damaged file from one that is not there."""

import json
import math

import pytest

from cvae import runs
from tests.conftest import ROOT

HEAD = "epoch,train_nll,train_kl,val_nll,val_kl,beta,seconds\n"
DAMAGED = {
    runs.METRICS: ["", "{", "[3]", "7", '{"kl": 1', "[" * 100_000, b"\xff\xfe{}"],
    runs.HISTORY: [
        "epoch\n1\n",
        "seconds\nx\n",
        HEAD + "1,1,1,1,1,1,inf\n",
        HEAD + "1,1,1,1,1,1,\n",
        HEAD + "1,1,1,much,1,1,2\n",
        HEAD + "1,1\n",
        HEAD.encode("utf-16"),
    ],
}


@pytest.mark.parametrize("file, content", [(file, content) for file in DAMAGED for content in DAMAGED[file]])
def test_a_damaged_file_is_empty_and_named_in_one_sentence(file, content, tmp_path):
    (tmp_path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    run = runs.read(tmp_path)
    assert not run.metrics and not run.history and run.seconds() is None and list(run.faults) == [file]
    with pytest.raises(ValueError, match=f"{file} is damaged; remove it"):
        run.demand(file)
    other = next(name for name in DAMAGED if name != file)
    run.demand(other)


@pytest.mark.parametrize("folder", ["nothing", "file/below", "."])
def test_what_is_not_there_is_no_fault(folder, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    run = runs.read(tmp_path / folder)
    assert (run.metrics, run.history, run.faults, run.seconds()) == ({}, {}, {}, None)


def test_a_history_has_a_number_for_each_epoch_and_none_where_a_cell_is_empty(tmp_path):
    (tmp_path / runs.HISTORY).write_text(HEAD + "1,5,1,6,2,1,10.5\n2,,,4,1,0.5,20\n", encoding="utf-8")
    run = runs.read(tmp_path)
    assert run.history["val_nll"] == (6, 4) and math.isnan(run.history["train_nll"][1]) and run.seconds() == 30.5


@pytest.mark.parametrize("value", ["much", None, True, [1.0], math.nan, math.inf])
def test_a_figure_is_a_finite_number_or_none(value, tmp_path):
    figures = {"nll": value, "kl": 3, "kl_per_dim": [0.5, value], "other": [0.5, 2]}
    (tmp_path / runs.METRICS).write_text(json.dumps(figures), encoding="utf-8")
    run = runs.read(tmp_path)
    assert run.figure("nll") is None and run.figure("nothing") is None and run.figure("kl") == 3
    assert run.kl_per_dim(2) is None
    whole = runs.Run(tmp_path, {"kl_per_dim": [0.5, 2]})
    assert whole.kl_per_dim(2) == [0.5, 2] and whole.kl_per_dim(3) is None


def test_nothing_else_reads_a_history():
    readers = [path for path in (ROOT / "cvae").rglob("*.py") if "DictReader" in path.read_text(encoding="utf-8")]
    readers += [path for path in (ROOT / "ui").rglob("*.py") if "DictReader" in path.read_text(encoding="utf-8")]
    assert [path.name for path in readers] == ["runs.py"]
