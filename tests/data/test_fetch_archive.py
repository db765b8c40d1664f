"""The check of an archive's members, which passes archives that were made or packed anew."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile

import pytest

from harness.data._fetch import MismatchError, tar_members_hash


def pack(members: dict[str, bytes]) -> bytes:
    """Return a .tar.gz archive."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


MEMBERS = {"top/b.wav": b"two", "top/a.wav": b"one"}
LISTING = b"".join(
    name + b"\0" + hashlib.sha256(content).digest() for name, content in ((b"a.wav", b"one"), (b"b.wav", b"two"))
)
VERIFY_MEMBERS = tar_members_hash(hashlib.sha256(LISTING).hexdigest(), ".wav")


@pytest.mark.parametrize(
    "members",
    [
        MEMBERS,
        dict(reversed(MEMBERS.items())),
        {name.replace("top", "other"): content for name, content in MEMBERS.items()},
        {**MEMBERS, "top/README.md": b"more"},
    ],
    ids=["same", "order", "folder", "other files"],
)
def test_an_archive_made_anew_passes(members: dict[str, bytes]) -> None:
    """Neither order, outermost folder nor other files count; the content is the tar file."""
    archive = pack(members)

    assert gzip.decompress(archive) == VERIFY_MEMBERS(archive)


@pytest.mark.parametrize(
    "members",
    [
        {**MEMBERS, "top/a.wav": b"One"},
        {"top/a.wav": b"two", "top/b.wav": b"one"},
        {"top/b.wav": b"two", "top/c.wav": b"one"},
        {**MEMBERS, "top/c.wav": b""},
        {"top/a.wav": b"one"},
    ],
    ids=["bytes", "swapped", "name", "more", "fewer"],
)
def test_other_members_are_a_mismatch(members: dict[str, bytes]) -> None:
    """A byte, a name, a file more or a file less is another archive."""
    count = sum(name.endswith(".wav") for name in members)

    with pytest.raises(MismatchError, match=rf"sha256 of the {count} members \*\.wav: expected .*, found"):
        VERIFY_MEMBERS(pack(members))


@pytest.mark.parametrize("file", [b"", pack(MEMBERS)[:-30], gzip.compress(b"no archive" * 100)], ids=["empty", "cut", "no tar"])
def test_what_is_no_archive_is_a_mismatch(file: bytes) -> None:
    """No traceback of gzip or tarfile comes out."""
    with pytest.raises(MismatchError, match=r"no intact|expected"):
        VERIFY_MEMBERS(file)
