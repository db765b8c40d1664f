"""Finding the project and reading its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.project import find_project


def test_the_nearest_folder_with_suites_is_the_project(tmp_path: Path) -> None:
    """Commands work from any folder below the project's root."""
    (tmp_path / "suites").mkdir()
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)

    project = find_project(below)

    assert project.root == tmp_path.resolve()
    assert project.baselines == tmp_path.resolve() / "results" / "baselines"


def test_settings_come_from_pyproject(tmp_path: Path) -> None:
    """[tool.harness] names the folders, relative to the file."""
    (tmp_path / "pyproject.toml").write_text('[tool.harness]\ncatalogues = ["bench"]\nsuites = "s"\nresults = "r"\n')

    project = find_project(tmp_path, catalogues=[Path("more")])

    assert project.suites == tmp_path / "s"
    assert project.results == tmp_path / "r"
    assert project.catalogues == (tmp_path / "bench", Path("more"))


def test_every_problem_of_the_settings_is_told_at_once(tmp_path: Path) -> None:
    """An unknown key and a wrong type are both named, with the nearest key."""
    (tmp_path / "pyproject.toml").write_text('[tool.harness]\ncatalogs = ["x"]\ncatalogues = 3\n')

    with pytest.raises(UsageError) as caught:
        find_project(tmp_path)

    assert "unknown key 'catalogs', did you mean 'catalogues'?" in str(caught.value)
    assert "catalogues must be a list of folders" in str(caught.value)


def test_a_suite_is_found_by_name_or_path(tmp_path: Path) -> None:
    """`smoke` and `suites/smoke.toml` are the same; a slip offers the nearest."""
    (tmp_path / "suites").mkdir()
    file = tmp_path / "suites" / "smoke.toml"
    file.touch()
    project = find_project(tmp_path)

    assert project.suite_file("smoke") == file
    assert project.suite_file(str(file)) == file
    with pytest.raises(UsageError, match=r"no suite 'smok' .*did you mean 'smoke'"):
        project.suite_file("smok")
    with pytest.raises(UsageError, match="no such suite file"):
        project.suite_file("other.toml")


def test_dot_files_are_no_suites(tmp_path: Path) -> None:
    """What editors and file systems leave beside a suite is not taken for one."""
    (tmp_path / "suites").mkdir()
    for name in ("smoke.toml", "._smoke.toml", ".#smoke.toml", "_shared.toml"):
        (tmp_path / "suites" / name).touch()

    assert list(find_project(tmp_path).suite_files()) == ["smoke"]


def test_the_data_cache_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HARNESS_DATA_DIR wins; the user's cache folder is the default."""
    project = find_project(tmp_path)
    monkeypatch.setenv("HARNESS_DATA_DIR", str(tmp_path / "data"))
    assert project.data == (tmp_path / "data").resolve()

    monkeypatch.delenv("HARNESS_DATA_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert project.data == tmp_path / "cache" / "harness" / "data"
