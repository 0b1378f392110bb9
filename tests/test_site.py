"""The static site of all models."""

import re
import shutil

import pytest

from cvae import checkpoints, export
from cvae.browser import site


@pytest.mark.slow
def test_the_site_holds_every_model_that_draws(tmp_path, capsys):
    assert export.main(["--site", str(tmp_path / "site")]) == 0
    assert "docs/hosting.md" in capsys.readouterr().out
    folder = tmp_path / "site"
    draws = {name for name in checkpoints.list_runs() if checkpoints.load_preset(name).model.kind.draws}
    assert {path.stem for path in folder.glob("*.html")} == draws | {"index"}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 45e6
    index = (folder / site.INDEX).read_text(encoding="utf-8")
    assert set(re.findall(r'<a href="([^"]+)\.html"', index)) == draws and "{{" not in index
    assert set(re.findall(r'data-source="([^"]+)\.html"', index)) == draws
    for path in folder.glob("*.html"):
        assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", path.read_text(encoding="utf-8")), path.name
    assert 'href="index.html"' in (folder / "vae-conv.html").read_text(encoding="utf-8")
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("---\n") and (folder / ".nojekyll").is_file()


def test_a_site_is_written_again_but_over_nothing_else(tmp_path, runs, capsys):
    shutil.copytree(checkpoints._CLONE / "vae-conv", runs / "mine & yours")
    site.write(tmp_path / "site")
    (index, *files) = site.write(tmp_path / "site")
    assert [path.name for path in files] == ["mine & yours.html"] and "mine &amp; yours.html" in index.read_text(
        encoding="utf-8"
    )
    (tmp_path / "site" / "thesis.tex").write_text("mine", encoding="utf-8")
    assert export.main(["--site", str(tmp_path / "site")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "thesis.tex" in said


def test_without_a_model_there_is_no_site(tmp_path, runs):
    with pytest.raises(ValueError, match="no model that makes pictures"):
        site.write(tmp_path / "site")


@pytest.mark.parametrize(
    "arguments", [[], ["vae-conv", "--site", "x"], ["vae-conv", "--html", "a", "--hub", "b/c"], ["--hub", "a/b"]]
)
def test_wrong_calls_are_one_line(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        export.main(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1


def test_posters_are_the_same_every_time():
    model = checkpoints.load_run("cvae-inpaint-center")
    assert site.poster(model) == site.poster(model)
