"""NumPy archives are judged by their directory: what is none, or would fill the memory, is never unpacked."""

import io
import resource
import zipfile

import numpy as np
import pytest

from cvae import archives, limits
from cvae.archives import REAL, TEXT, WHOLE, Form

FORMS = {"a": Form(REAL, 2), "b": Form(WHOLE, 1), "c": Form(TEXT, 0)}
GOOD = {"a": np.ones((3, 2), "f2"), "b": np.arange(4), "c": np.array("text")}


def written(path, **arrays):
    np.savez_compressed(path, **GOOD | arrays)
    return path


def test_what_is_asked_for_comes_back_in_the_order_of_the_machine(tmp_path):
    path = written(tmp_path / "x.npz", a=np.asfortranarray(np.arange(6, dtype=">f4").reshape(3, 2)), other=np.zeros(3))
    found = archives.read(path, FORMS | {"d": Form(REAL, 1)})
    assert set(found) == {"a", "b", "c"} and found["a"].dtype == np.dtype("f4") and str(found["c"]) == "text"
    assert found["a"].tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    "array",
    [np.float32(1), np.ones(3, "f4"), np.ones((3, 2), "i4"), np.ones((3, 2), "c8"), np.ones((3, 2), np.longdouble)]
    + [np.array([[{}]], dtype=object), np.full((3, 2), "x"), np.zeros((3, 2), "M8[s]")],
)
def test_an_array_of_another_form_is_refused(tmp_path, array):
    with pytest.raises(ValueError, match="is no archive of such arrays: a.npy"):
        archives.read(written(tmp_path / "x.npz", a=array), FORMS)


@pytest.mark.slow
def test_what_unpacks_to_gigabytes_is_refused_unread(tmp_path):
    path = tmp_path / "x.npz"
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (2**14, 2**14)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as file:
        file.write(head.getvalue())
        for _ in range(2**6):
            file.write(bytes(2**24))
    assert path.stat().st_size < 2**22
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match="a.npy unpacks to 1,073,741,9"):
        archives.read(path, FORMS)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_arrays_that_are_too_large_together_are_refused(tmp_path):
    row = np.zeros((1, limits.UNPACKED // 8), "f4")
    path = written(tmp_path / "x.npz", a=row, d=row, e=row)
    assert archives.read(path, FORMS)["a"].shape == row.shape
    with pytest.raises(ValueError, match="its arrays unpack to"):
        archives.read(path, FORMS | dict.fromkeys("de", FORMS["a"]))


def test_a_directory_of_many_files_is_not_listed(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        for i in range(2000):
            archive.writestr(f"{i}.npy", b"")
    with pytest.raises(ValueError, match="its directory has"):
        archives.read(tmp_path / "x.npz", FORMS)


@pytest.mark.parametrize("shape", [(10**9, 10**9), (-1, 2), (3, 3), (2**63, 2)])
def test_a_head_that_lies_about_its_array_is_refused(tmp_path, shape):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", head.getvalue() + bytes(24))
    with pytest.raises(ValueError, match="x.npz is no archive of such arrays"):
        archives.read(tmp_path / "x.npz", FORMS)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\5\6" + bytes(5), bytes(1000), b"PK\6\7" + bytes(16) + b"PK\5\6"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ValueError, match="x.npz is no archive"):
        archives.read(tmp_path / "x.npz", FORMS)
    with pytest.raises(FileNotFoundError):
        archives.read(tmp_path / "y.npz", FORMS)
