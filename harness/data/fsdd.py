"""FSDD: 3,000 spoken English digits of six speakers, as log-mel features of one second each."""

from __future__ import annotations

import io
import re
import tarfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from harness.data._base import Dataset, LoadContext, Split, Splits
from harness.data._fetch import Verify, fetch, tar_members_hash
from harness.data._mel import RATE, STEP, Sound, log_mel
from harness.data._option_checks import check_limit
from harness.errors import DataError
from harness.options import check_choice

COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
ARCHIVE = f"free-spoken-digit-dataset-{COMMIT}.tar.gz"
URLS = (f"https://codeload.github.com/Jakobovski/free-spoken-digit-dataset/tar.gz/{COMMIT}",)
SUFFIX = ".wav"
VERIFY = tar_members_hash("954ea1cf5c26624532853cc6ef905de1efeb89365398c0ce58fe829927db0667", SUFFIX)
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
TEST_TAKES = 5
"""Takes 0 to 4 of each speaker and digit are for testing, by the custom of the data set."""
NAME = re.compile(r"([0-9])_([a-z]+)_([0-9]+)\.wav")


@dataclass(frozen=True)
class Recording:
    """One spoken digit."""

    take: int
    digit: int
    speaker: str
    sound: Sound


def load(
    context: LoadContext, *, split: str = "takes", train_limit: int | None = None, test_limit: int | None = None
) -> Splits:
    """Return the digits as log-mel features, float32 [N, 101, 40], with the columns `speaker` and `take`.

    A recording shorter than 1.0125 s is filled up with silence, of a longer one (17 of 3,000) the start is taken; how
    sound becomes features is said in `_mel.py`. Each band is standardised by its mean and deviation over the whole
    training split. Samples are in the order of take, digit, speaker, so that the first
    ones, from 60 on, are a fair draw.

    Args:
        context: the cache folder.
        split: takes: takes 0 to 4 of each speaker and digit are for testing (300), 5 to 49 for training (2,700).
            speaker:NAME: all takes of that speaker are for testing (500), those of the other five for training (2,500).
        train_limit: take only this many training samples, the first ones.
        test_limit: likewise of the test samples.

    Raises:
        UsageError: an option that is not allowed.
        DataError: the archive cannot be fetched, is not the expected one, or a recording in it cannot be used.
    """
    speaker = _held_out(split)
    sizes = (2500, 500) if speaker else (2700, 300)
    check_limit("train_limit", train_limit, sizes[0])
    check_limit("test_limit", test_limit, sizes[1])
    return divided(read(context.folder, URLS, VERIFY), speaker, train_limit, test_limit)


def _held_out(split: str) -> str:
    """Return the speaker that is held out, '' for the split by takes."""
    check_choice("split", split, ("takes", *(f"speaker:{name}" for name in SPEAKERS)))
    return split.removeprefix("speaker:") if split != "takes" else ""


def read(folder: Path, urls: Sequence[str], verify: Verify) -> list[Recording]:
    """Return the recordings of the archive in `folder`, by take, digit and speaker, fetching it first where it is absent.

    Raises:
        DataError: it cannot be fetched, is not the expected one, or holds no recordings or ones that cannot be used.
    """
    where = str(folder / ARCHIVE)
    content = fetch(folder, ARCHIVE, urls, verify)
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        members = {
            member.name.partition("/")[2]: file.read()
            for member in archive
            if member.name.endswith(SUFFIX) and (file := archive.extractfile(member))
        }
    if not members:
        raise DataError(f"{where}: holds no recordings (*{SUFFIX}); delete it to fetch it again")
    recordings = [_recording(name, content, f"{where}: {name}") for name, content in members.items()]
    return sorted(recordings, key=lambda recording: (recording.take, recording.digit, recording.speaker))


def _recording(name: str, content: bytes, where: str) -> Recording:
    match = NAME.fullmatch(name.rpartition("/")[2])
    if match is None or match[2] not in SPEAKERS:
        raise DataError(f"{where}: is not named <digit>_<speaker>_<take>.wav with one of the speakers {', '.join(SPEAKERS)}")
    return Recording(int(match[3]), int(match[1]), match[2], sound_of(content, where))


def sound_of(content: bytes, where: str) -> Sound:
    """Return the samples of a WAV file's bytes; `where` names it in errors.

    Raises:
        DataError: it is no intact WAV file, holds no samples, or is not mono, 16 bit, at 8 kHz.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            found = (file.getnchannels(), 8 * file.getsampwidth(), file.getframerate())
            frames, declared = file.readframes(file.getnframes()), file.getnframes()
    except (wave.Error, EOFError) as error:
        raise DataError(f"{where}: no intact WAV file: {str(error) or 'it ends early'}") from error
    if found != (1, 16, RATE):
        raise DataError(
            f"{where}: {found[0]} channel(s) of {found[1]} bit at {found[2]} Hz; needed: 1 channel of 16 bit at {RATE} Hz"
        )
    if not declared or len(frames) != 2 * declared:
        raise DataError(f"{where}: {len(frames) // 2} samples, {declared} declared; at least 1 and all declared are needed")
    return np.frombuffer(frames, dtype="<i2")


def divided(recordings: Sequence[Recording], speaker: str, train_limit: int | None, test_limit: int | None) -> Splits:
    """Return both splits of `recordings`, standardised by the training split's features before it is limited.

    Args:
        recordings: in the order that samples shall have.
        speaker: the one held out; '' for the split by takes.
        train_limit: training samples kept, the first ones.
        test_limit: likewise of the test samples.
    """
    features_NTF = torch.from_numpy(log_mel([recording.sound for recording in recordings]))
    tested = [recording.speaker == speaker if speaker else recording.take < TEST_TAKES for recording in recordings]
    test_N = torch.tensor(tested)
    mean_F, deviation_F = _statistics(features_NTF[~test_N])

    def prepared(chosen_N: torch.Tensor, limit: int | None) -> Split:
        numbers = chosen_N.nonzero().flatten().tolist()[:limit]
        inputs_NTF = ((features_NTF[numbers] * STEP - mean_F) / deviation_F).to(torch.float32)
        chosen = [recordings[number] for number in numbers]
        columns = {"speaker": [one.speaker for one in chosen], "take": [one.take for one in chosen]}
        return Split(inputs_NTF, torch.tensor([one.digit for one in chosen]), columns)

    return Splits(prepared(~test_N, train_limit), prepared(test_N, test_limit), tuple("0123456789"))


def _statistics(features_NTF: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and deviation of each band, float64 [F], from sums of whole numbers, whose order does not matter."""
    steps_MF = features_NTF.flatten(0, 1).to(torch.int64)
    mean_F = steps_MF.sum(0).double() / len(steps_MF)
    variance_F = (steps_MF**2).sum(0).double() / len(steps_MF) - mean_F**2
    # a band of silence alone has no deviation to divide by
    return mean_F * STEP, variance_F.clamp(min=1).sqrt() * STEP


DATASET = Dataset(
    load=load,
    shape=(101, 40),
    classes=10,
    sizes=(2700, 300),
    source="Jackson et al.: Free Spoken Digit Dataset (2018)",
    licence="CC BY-SA 4.0",
    download=True,
)
