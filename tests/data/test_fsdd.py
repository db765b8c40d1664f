"""Spoken digits: the real archive where HARNESS_DATA_DIR holds it, else recordings that the tests make."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import tarfile
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.data import LoadContext
from harness.data._fetch import Verify, tar_members_hash
from harness.data._mel import STEP, WINDOWS, log_mel
from harness.data.fsdd import ARCHIVE, DATASET, SPEAKERS, SUFFIX, URLS, VERIFY, Recording, divided, load, read
from harness.errors import DataError, UsageError

Serve = Callable[[dict[str, bytes]], str]

TAKES = (0, 4, 5, 11)
FOLDER = "spoken-0123456/recordings"


def wav(samples: int = 400, seed: int = 0, channels: int = 1, width: int = 2, rate: int = 8000) -> bytes:
    """Return a WAV file of noise."""
    packed = io.BytesIO()
    with wave.open(packed, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.random.RandomState(seed).bytes(samples * channels * width))
    return packed.getvalue()


def pack(members: dict[str, bytes]) -> bytes:
    """Return a .tar.gz archive."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def made() -> dict[str, bytes]:
    """Return recordings of every digit and speaker in four takes, out of order, each unlike the others."""
    names = [f"{digit}_{who}_{take}.wav" for who, take, digit in itertools.product(SPEAKERS, TAKES, range(10))]
    return {f"{FOLDER}/{name}": wav(200 + seed, seed) for seed, name in enumerate(names)}


def check(members: dict[str, bytes]) -> Verify:
    """Return the check of these members: the documented hash, worked out here."""
    listing = {name.split("/", 1)[1]: hashlib.sha256(content).digest() for name, content in members.items()}
    text = b"".join(name.encode() + b"\0" + listing[name] for name in sorted(listing) if name.endswith(".wav"))
    return tar_members_hash(hashlib.sha256(text).hexdigest(), SUFFIX)


def read_archive(members: dict[str, bytes], folder: Path) -> list[Recording]:
    """Read an archive placed in the cache, behind the check of its own hash."""
    (folder / ARCHIVE).write_bytes(pack(members))
    return read(folder, [], check(members))


@pytest.fixture
def recordings(tmp_path: Path) -> list[Recording]:
    """The real recordings where HARNESS_DATA_DIR holds them, else those made here."""
    named = os.environ.get("HARNESS_DATA_DIR")
    if named and (Path(named) / "fsdd" / ARCHIVE).is_file():
        return read(Path(named).resolve() / "fsdd", URLS, VERIFY)
    return read_archive(made(), tmp_path)


def test_every_speaker_says_every_digit_equally_often(recordings: list[Recording]) -> None:
    """The recordings are balanced over digits, speakers and takes, none twice."""
    keys = [(one.take, one.digit, one.speaker) for one in recordings]
    takes = sorted({one.take for one in recordings})

    assert list(itertools.product(takes, range(10), SPEAKERS)) == keys


def test_takes_0_to_4_are_for_testing(recordings: list[Recording]) -> None:
    """The split by takes: every recording in one split, with its digit, speaker and take."""
    splits = divided(recordings, "", None, None)

    for split, tested in ((splits.train, False), (splits.test, True)):
        wanted = [one for one in recordings if (one.take < 5) is tested]
        assert [one.digit for one in wanted] == split.labels.tolist()
        assert [one.speaker for one in wanted] == split.columns["speaker"]
        assert [one.take for one in wanted] == split.columns["take"]
    assert (WINDOWS, 40) == DATASET.shape == tuple(splits.test.inputs.shape[1:])
    assert torch.float32 == splits.train.inputs.dtype


def test_a_held_out_speaker_is_never_trained_on(recordings: list[Recording]) -> None:
    """All takes of that speaker, and nobody else's, are for testing."""
    splits = divided(recordings, "lucas", None, None)

    assert {"lucas"} == set(splits.test.columns["speaker"])
    assert {*SPEAKERS} - {"lucas"} == set(splits.train.columns["speaker"])
    assert len(recordings) == len(splits.train) + len(splits.test) == 6 * len(splits.test)


def test_features_are_standardised_by_the_training_split(tmp_path: Path) -> None:
    """Each band by the training recordings' own mean and deviation, the test split by the same numbers."""
    recordings = read_archive(made(), tmp_path)
    splits = divided(recordings, "", None, None)
    trained = [one for one in recordings if one.take >= 5]
    features = log_mel([one.sound for one in trained]).astype(np.float64) * STEP
    mean, deviation = features.mean(axis=(0, 1)), features.std(axis=(0, 1))
    tested = log_mel([recordings[0].sound])[0].astype(np.float64) * STEP

    np.testing.assert_allclose(splits.train.inputs.numpy(), (features - mean) / deviation, rtol=0, atol=1e-6)
    np.testing.assert_allclose(splits.test.inputs[0].numpy(), (tested - mean) / deviation, rtol=0, atol=1e-6)


def test_a_band_without_sound_stays_finite() -> None:
    """Recordings of silence have no deviation; their features are zeros and not NaN."""
    silent = [Recording(take, 0, "theo", np.zeros(900, dtype=np.int16)) for take in (0, 9)]

    assert not divided(silent, "", None, None).train.inputs.any()


def test_a_limit_gives_a_balanced_prefix(tmp_path: Path) -> None:
    """The first 60 samples are one take of every digit and speaker, with the features of the whole split."""
    recordings = read_archive(made(), tmp_path)
    whole, part = divided(recordings, "", None, None), divided(recordings, "", 60, 7)

    assert [6] * 10 == torch.bincount(part.train.labels).tolist()
    assert {5} == set(part.train.columns["take"])
    assert torch.equal(whole.train.inputs[:60], part.train.inputs)
    assert torch.equal(whole.test.inputs[:7], part.test.inputs)
    assert 7 == len(part.test) == len(part.test.columns["take"])


def test_the_archive_is_fetched_once_and_may_be_packed_anew(tmp_path: Path, serve: Serve, requested: list[str]) -> None:
    """Another outermost folder, order and further files make another archive of the same recordings."""
    members = made()
    again = {name.replace("spoken-0123456", "elsewhere"): content for name, content in reversed(members.items())}
    url = serve({ARCHIVE: pack({**again, "elsewhere/setup.py": b"anything"})}) + ARCHIVE

    first, second = (read(tmp_path / "fsdd", [url], check(members)) for _ in range(2))

    assert [f"/{ARCHIVE}"] == requested
    assert [one.sound.tobytes() for one in first] == [one.sound.tobytes() for one in second]


def test_the_published_check_refuses_other_recordings(tmp_path: Path) -> None:
    """Well-formed recordings that are not the data set's are refused, and nothing is fetched."""
    (tmp_path / ARCHIVE).write_bytes(pack(made()))

    with pytest.raises(DataError, match=r"sha256 of the 240 members \*\.wav: expected 954ea1cf5c266245.*, found .* bytes\)"):
        load(LoadContext(tmp_path, None, tmp_path))


def test_an_archive_without_recordings_is_refused(tmp_path: Path) -> None:
    """An error that names the archive and what it should hold."""
    with pytest.raises(DataError) as caught:
        read_archive({"spoken/README.md": b"words"}, tmp_path)

    assert f"{tmp_path / ARCHIVE}: holds no recordings (*.wav); delete it to fetch it again" == str(caught.value)


@pytest.mark.parametrize("keep", [0, 100, -30], ids=["empty", "header", "end"])
def test_a_cut_archive_is_refused(keep: int, tmp_path: Path) -> None:
    """An archive that ends early, or is none, is an error and not a traceback."""
    members = made()
    (tmp_path / ARCHIVE).write_bytes(pack(members)[:keep])

    with pytest.raises(DataError, match=f"{ARCHIVE}: .*; delete it to fetch it again"):
        read(tmp_path, [], check(members))


ODD = "needed: 1 channel of 16 bit at 8000 Hz"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (wav(rate=16_000), f"1 channel(s) of 16 bit at 16000 Hz; {ODD}"),
        (wav(channels=2), f"2 channel(s) of 16 bit at 8000 Hz; {ODD}"),
        (wav(width=1), f"1 channel(s) of 8 bit at 8000 Hz; {ODD}"),
        (wav()[:-100], "350 samples, 400 declared; at least 1 and all declared are needed"),
        (wav(samples=0), "0 samples, 0 declared; at least 1 and all declared are needed"),
        (b"", "no intact WAV file: it ends early"),
        (b"ID3" + bytes(200), "no intact WAV file: file does not start with RIFF id"),
    ],
    ids=["rate", "stereo", "8 bit", "cut", "silent", "empty", "no WAV"],
)
def test_a_recording_that_cannot_be_used_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    """The error names archive and recording, what was found and what is needed."""
    with pytest.raises(DataError) as caught:
        read_archive({f"{FOLDER}/7_theo_3.wav": content}, tmp_path)

    assert f"{tmp_path / ARCHIVE}: recordings/7_theo_3.wav: {message}" == str(caught.value)


@pytest.mark.parametrize("name", ["7_nobody_3.wav", "77_theo_3.wav", "theo.wav"])
def test_a_recording_of_unknown_name_is_refused(name: str, tmp_path: Path) -> None:
    """Digit, speaker and take are read from the name; one that does not say them is an error."""
    with pytest.raises(DataError, match=f"recordings/{name}: is not named <digit>_<speaker>_<take>.wav with one of"):
        read_archive({f"{FOLDER}/{name}": wav()}, tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "speaker:teo"}, "option split = 'speaker:teo': unknown, did you mean 'speaker:theo'?; allowed: takes"),
        ({"train_limit": 2701}, "option train_limit = 2701: not a number of samples; allowed: 1 to 2700, or left out"),
        ({"split": "speaker:theo", "train_limit": 2501}, "allowed: 1 to 2500, or left out"),
        ({"split": "speaker:theo", "test_limit": 501}, "allowed: 1 to 500, or left out"),
    ],
)
def test_options_are_checked_before_anything_is_fetched(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    """A wrong option is a usage error at once, without a cache folder."""
    with pytest.raises(UsageError) as caught:
        load(LoadContext(tmp_path / "fsdd", None, tmp_path), **options)

    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []
