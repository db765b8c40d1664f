"""The data cache: a file that is there is verified, one that is not is downloaded, verified and renamed into place."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from filelock import FileLock

from harness.errors import DataError

Verify = Callable[[bytes], bytes]
"""Takes a file's bytes and returns its verified content; raises MismatchError."""

CHUNK_BYTES = 1 << 16


class MismatchError(ValueError):
    """A file is not the expected one; the text says what was expected and what was found."""


def gunzip(file: bytes) -> bytes:
    """Return the content of a gzip file.

    Raises:
        MismatchError: it is truncated, damaged or no gzip file.
    """
    try:
        return gzip.decompress(file)
    except (OSError, EOFError, zlib.error) as error:
        raise MismatchError(f"no intact gzip file: {error}") from error


def file_hash(algorithm: Literal["md5", "sha256"], expected: str) -> Verify:
    """Return a check of a file's bytes as they were published; the content is those bytes."""

    def verify(file: bytes) -> bytes:
        _compare(algorithm, file, expected, "file")
        return file

    return verify


def gzip_file_hash(algorithm: Literal["md5", "sha256"], expected: str) -> Verify:
    """Return a check of a gzip file's bytes as they were published; the content is what is packed."""

    def verify(file: bytes) -> bytes:
        _compare(algorithm, file, expected, "file")
        return gunzip(file)

    return verify


def gzip_content_hash(algorithm: Literal["md5", "sha256"], expected: str) -> Verify:
    """Return a check of what a gzip file packs, so that a copy that was packed again passes."""

    def verify(file: bytes) -> bytes:
        content = gunzip(file)
        _compare(algorithm, content, expected, "decompressed content")
        return content

    return verify


def tar_members_hash(expected: str, suffix: str) -> Verify:
    """Return a check of files in a .tar.gz, so that an archive that was made or packed again passes.

    The hash is SHA-256 over the members whose names end in `suffix`, sorted by name: of each its name without the
    archive's outermost folder, a zero byte, and SHA-256 of its bytes. Members of other names do not count. The content is
    the unpacked tar file.
    """

    def verify(file: bytes) -> bytes:
        content = gunzip(file)
        try:
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
                found = {
                    member.name.partition("/")[2]: hashlib.sha256(stored.read()).digest()
                    for member in archive
                    if member.name.endswith(suffix) and (stored := archive.extractfile(member))
                }
        except tarfile.TarError as error:
            raise MismatchError(f"no intact tar archive: {error}") from error
        listing = b"".join(name.encode() + b"\0" + found[name] for name in sorted(found))
        _compare("sha256", listing, expected, f"{len(found)} members *{suffix}")
        return content

    return verify


def _compare(algorithm: str, content: bytes, expected: str, what: str) -> None:
    found = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise MismatchError(f"{algorithm} of the {what}: expected {expected}, found {found} ({len(content)} bytes)")


def fetch(folder: Path, name: str, urls: Sequence[str], verify: Verify) -> bytes:
    """Return the verified content of one file of the cache, downloading it first where it is absent.

    A file that is there is never overwritten. Of several processes that want an absent file, one downloads it.

    Args:
        folder: the data set's folder in the cache; made where it is absent.
        name: the file's name in it.
        urls: addresses of the file, tried in this order.
        verify: the check of its bytes.

    Raises:
        DataError: the cached file is not the expected one, every address failed, or the cache cannot be used.
    """
    path = folder / name
    with _using_cache(path):
        content = _cached(path, verify)
        if content is not None:
            return content
        _check_writable(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{name}.lock"):
            # another process may have fetched it while this one waited for the lock
            content = _cached(path, verify)
            return _download(path, urls, verify) if content is None else content


def _check_writable(folder: Path) -> None:
    """Raise PermissionError where the folder, or the one it would be made in, is marked read-only.

    Root may write there all the same, as in a container, and must not: the mark says that the cache is only to be read.
    """
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not there.stat().st_mode & 0o222:
        raise PermissionError(errno.EACCES, f"{there} is read-only")


@contextmanager
def _using_cache(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise DataError(
            f"{path}: the data cache cannot be used: {reason}; "
            f"set HARNESS_DATA_DIR to a folder that you may write, or to one that holds {_short(path)}"
        ) from error


def _cached(path: Path, verify: Verify) -> bytes | None:
    try:
        file = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return verify(file)
    except MismatchError as error:
        raise DataError(f"{path}: {error}; delete it to fetch it again") from error


def _download(path: Path, urls: Sequence[str], verify: Verify) -> bytes:
    temporary = path.with_name(f".{path.name}.part")
    failures = []
    try:
        for url in urls:
            try:
                _retrieve(url, temporary, _short(path))
                content = verify(temporary.read_bytes())
            except (OSError, ValueError) as error:  # errors of requests are OSErrors
                failures.append(f"  {url}: {error}")
                continue
            temporary.replace(path)
            return content
    finally:
        temporary.unlink(missing_ok=True)
    advice = f"Place the file there by hand, or set HARNESS_DATA_DIR to a folder that holds {_short(path)}."
    raise DataError("\n".join([f"{path}: absent, and no address gave it:", *failures, advice]))


def _short(path: Path) -> str:
    """The file's place in any cache: <data set>/<file>."""
    return f"{path.parent.name}/{path.name}"


def _retrieve(url: str, target: Path, title: str) -> None:
    import pooch

    # a server that packs a .gz a second time for the way would have requests unpack one layer too many
    headers = {"Accept-Encoding": "identity"}
    with _progress(title) as bar:
        pooch.HTTPDownloader(progressbar=bar, chunk_size=CHUNK_BYTES, headers=headers)(url, str(target), None)


class _Bar:
    """What pooch expects of a progress bar, drawn by rich."""

    def __init__(self, show: Callable[[float, float | None], None]) -> None:
        self.total: float | None = None
        self._show = show
        self._done = 0.0

    def update(self, count: float) -> None:
        self._done += count
        self._show(self._done, self.total)

    def reset(self) -> None:
        self._done = 0.0

    def close(self) -> None:
        pass


@contextmanager
def _progress(title: str) -> Iterator[_Bar | Literal[False]]:
    """Give a progress bar on stderr, or False where that is no terminal."""
    if not sys.stderr.isatty():
        yield False
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield _Bar(lambda done, total: progress.update(task, completed=done, total=total))
