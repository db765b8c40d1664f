"""The data cache: verified, fetched once, never overwritten."""

from __future__ import annotations

import gzip
import hashlib
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data._fetch import MismatchError, fetch, file_hash, gunzip, gzip_content_hash, gzip_file_hash
from harness.errors import DataError

CONTENT = b"the content of a small file " * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()
VERIFY = file_hash("sha256", SHA256)
NAME = "file.bin"

Serve = Callable[[dict[str, bytes]], str]

FETCHING = f"""
import sys
from pathlib import Path
from harness.data._fetch import fetch, file_hash
print("started", flush=True)
content = fetch(Path(sys.argv[1]), {NAME!r}, [sys.argv[2]], file_hash("sha256", {SHA256!r}))
print(len(content))
"""


def leftovers(folder: Path) -> set[str]:
    """Return the files of a folder, apart from locks."""
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def test_an_absent_file_is_downloaded_once(tmp_path: Path, serve: Serve, requested: list[str]) -> None:
    """The first fetch downloads into a folder that it makes, the second reads the cache."""
    folder = tmp_path / "cache" / "set"
    urls = [serve({NAME: CONTENT}) + NAME]

    first, second = (fetch(folder, NAME, urls, VERIFY) for _ in range(2))

    assert CONTENT == first == second
    assert [f"/{NAME}"] == requested
    assert {NAME} == leftovers(folder)


def test_a_cached_file_needs_no_network_and_no_writing(tmp_path: Path, closed_address: str) -> None:
    """A verified cache is only read: no request, no lock, no new file."""
    (tmp_path / NAME).write_bytes(CONTENT)

    assert CONTENT == fetch(tmp_path, NAME, [closed_address], VERIFY)
    assert [NAME] == [path.name for path in tmp_path.iterdir()]


def test_the_second_mirror_stands_in_for_the_first(tmp_path: Path, serve: Serve, requested: list[str]) -> None:
    """An address that answers 404 is followed by the next."""
    urls = [serve({}) + "absent.bin", serve({NAME: CONTENT}) + NAME]

    assert CONTENT == fetch(tmp_path, NAME, urls, VERIFY)
    assert ["/absent.bin", f"/{NAME}"] == requested


def test_all_mirrors_failing_names_each_and_says_what_to_do(tmp_path: Path, serve: Serve, closed_address: str) -> None:
    """The error holds the file, every address with its own reason, and both ways to place the file by hand."""
    folder = tmp_path / "set"
    absent, refused = serve({}) + NAME, closed_address + NAME

    with pytest.raises(DataError) as caught:
        fetch(folder, NAME, [absent, refused], VERIFY)

    first, second, third, last = str(caught.value).split("\n")
    assert f"{folder / NAME}: absent, and no address gave it:" == first
    assert second.startswith(f"  {absent}: 404 ")
    assert third.startswith(f"  {refused}: ")
    assert f"Place the file there by hand, or set HARNESS_DATA_DIR to a folder that holds set/{NAME}." == last
    assert set() == leftovers(folder)


def test_a_corrupt_download_is_refused_and_leaves_nothing(tmp_path: Path, serve: Serve) -> None:
    """Bytes that do not verify never reach the cache; the error holds both hashes."""
    wrong = b"an error page"

    with pytest.raises(DataError) as caught:
        fetch(tmp_path, NAME, [serve({NAME: wrong}) + NAME], VERIFY)

    found = hashlib.sha256(wrong).hexdigest()
    assert f"sha256 of the file: expected {SHA256}, found {found} (13 bytes)" in str(caught.value)
    assert set() == leftovers(tmp_path)


def test_a_corrupt_mirror_is_followed_by_the_next(tmp_path: Path, serve: Serve) -> None:
    """One mirror with wrong bytes does not stop the fetch."""
    urls = [serve({NAME: b"wrong"}) + NAME, serve({NAME: CONTENT}) + NAME]

    assert CONTENT == fetch(tmp_path, NAME, urls, VERIFY)
    assert {NAME} == leftovers(tmp_path)


def test_a_corrupt_cached_file_is_named_and_kept(tmp_path: Path, serve: Serve, requested: list[str]) -> None:
    """A cached file that does not verify is an error that says so; it is neither replaced nor fetched."""
    (tmp_path / NAME).write_bytes(b"mine")
    found = hashlib.sha256(b"mine").hexdigest()

    with pytest.raises(DataError) as caught:
        fetch(tmp_path, NAME, [serve({NAME: CONTENT}) + NAME], VERIFY)

    assert (
        f"{tmp_path / NAME}: sha256 of the file: expected {SHA256}, found {found} (4 bytes); delete it to fetch it again"
        == str(caught.value)
    )
    assert b"mine" == (tmp_path / NAME).read_bytes()
    assert [] == requested


def test_a_truncated_gzip_is_an_error_of_the_data(tmp_path: Path) -> None:
    """A cached .gz that ends early is refused by name."""
    (tmp_path / "x.gz").write_bytes(gzip.compress(CONTENT)[:-9])

    with pytest.raises(DataError, match=r"x\.gz: no intact gzip file: .*; delete it to fetch it again"):
        fetch(tmp_path, "x.gz", [], gzip_content_hash("sha256", SHA256))


@pytest.mark.parametrize(
    "damaged",
    [b"", b"plain text", gzip.compress(CONTENT)[:20], gzip.compress(CONTENT)[:15] + b"\xff" * 40],
    ids=["empty", "no gzip", "truncated", "damaged"],
)
def test_damaged_gzip_is_a_mismatch(damaged: bytes) -> None:
    """Whatever is wrong with gzipped bytes becomes one kind of error, or content that no hash accepts."""
    with pytest.raises(MismatchError):
        gzip_content_hash("sha256", SHA256)(damaged)


def test_gunzip_gives_the_content() -> None:
    """Unpacking undoes packing."""
    assert CONTENT == gunzip(gzip.compress(CONTENT))


def test_content_hash_accepts_another_packing() -> None:
    """A hash of the content passes whatever the compression; a hash of the file does not."""
    fast, small = (gzip.compress(CONTENT, level, mtime=0) for level in (1, 9))
    of_file = gzip_file_hash("md5", hashlib.md5(small, usedforsecurity=False).hexdigest())
    of_content = gzip_content_hash("sha256", SHA256)

    assert fast != small
    assert CONTENT == of_content(fast) == of_content(small) == of_file(small)
    with pytest.raises(MismatchError, match="md5 of the file"):
        of_file(fast)


def test_a_cache_that_cannot_be_written_is_an_error_of_the_data(tmp_path: Path) -> None:
    """Where the cache folder cannot be made, the error names the file, the reason and the way out."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(DataError) as caught:
        fetch(tmp_path / "file" / "set", NAME, [], VERIFY)

    assert (
        f"{tmp_path / 'file' / 'set' / NAME}: the data cache cannot be used: Not a directory; "
        f"set HARNESS_DATA_DIR to a folder that you may write, or to one that holds set/{NAME}" == str(caught.value)
    )


@pytest.mark.parametrize("name", ["cache", "cache/set"], ids=["the folder", "its parent"])
def test_a_read_only_cache_is_left_alone(name: str, tmp_path: Path, serve: Serve, requested: list[str]) -> None:
    """A cache marked read-only is neither written nor fetched into, not even by root; the error says what to do."""
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o555)

    with pytest.raises(DataError) as caught:
        fetch(tmp_path / name, NAME, [serve({NAME: CONTENT}) + NAME], VERIFY)

    short = f"{Path(name).name}/{NAME}"
    assert (
        f"{tmp_path / name / NAME}: the data cache cannot be used: {cache} is read-only; "
        f"set HARNESS_DATA_DIR to a folder that you may write, or to one that holds {short}" == str(caught.value)
    )
    assert list(cache.iterdir()) == []
    assert requested == []


def test_a_read_only_cache_serves_what_it_holds(tmp_path: Path, closed_address: str) -> None:
    """Files of a cache marked read-only are used like any others."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / NAME).write_bytes(CONTENT)
    cache.chmod(0o555)

    assert fetch(cache, NAME, [closed_address], VERIFY) == CONTENT


def test_a_folder_in_the_place_of_a_file_is_an_error_of_the_data(tmp_path: Path) -> None:
    """What cannot be read as a file is an error, not a traceback."""
    (tmp_path / NAME).mkdir()

    with pytest.raises(DataError, match="the data cache cannot be used: Is a directory"):
        fetch(tmp_path, NAME, [], VERIFY)


def test_what_a_killed_download_left_is_no_obstacle(tmp_path: Path, serve: Serve) -> None:
    """A partial file of a process that died is overwritten and gone after the next fetch."""
    (tmp_path / f".{NAME}.part").write_bytes(CONTENT[:100])

    assert CONTENT == fetch(tmp_path, NAME, [serve({NAME: CONTENT}) + NAME], VERIFY)
    assert {NAME} == leftovers(tmp_path)


class AnswersTogether(dict[str, bytes]):
    """Files whose first answer waits a moment for a second request."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(files)
        self.second = threading.Event()
        self.first = True

    def get(self, name: str, default: object = None) -> bytes | None:  # type: ignore[override]
        """Return a file as a server looks it up."""
        if not self.first:
            self.second.set()
        self.first = False
        self.second.wait(timeout=1)
        return super().get(name)


def test_two_processes_share_one_download(tmp_path: Path, serve: Serve, requested: list[str]) -> None:
    """Processes that want one absent file at once all get it, and it is downloaded once."""
    url = serve(AnswersTogether({NAME: CONTENT})) + NAME
    command = [sys.executable, "-c", FETCHING, str(tmp_path), url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    outputs = [process.communicate(timeout=120)[0] for process in processes]

    assert [f"started\n{len(CONTENT)}\n"] * 2 == outputs
    assert [f"/{NAME}"] == requested
    assert {NAME} == leftovers(tmp_path)


def test_a_download_says_nothing_where_no_one_watches(tmp_path: Path, serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a terminal there is no progress bar in the logs."""
    fetch(tmp_path, NAME, [serve({NAME: CONTENT}) + NAME], VERIFY)

    assert ("", "") == capfd.readouterr()


def test_a_download_shows_its_progress_on_a_terminal(tmp_path: Path, serve: Serve) -> None:
    """On a terminal the bar names the file; standard output stays clean."""
    url = serve({NAME: CONTENT}) + NAME
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    command = [sys.executable, "-c", FETCHING, str(tmp_path / "set"), url]

    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment, check=True)

    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    os.close(theirs)
    assert f"started\n{len(CONTENT)}\n" == done.stdout
    assert f"set/{NAME}" in shown
    assert "2.8/2.8 kB" in shown
