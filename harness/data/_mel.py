"""Log-mel features of speech at 8 kHz: what a window of sound holds in each of 40 bands of pitch.

The recording, zeros after its end, is cut into 101 windows of 25 ms every 10 ms, the first centred on the first sample.
Each is multiplied by Hann's window w[n] = ½ − ½·cos(2πn / 200); the power spectrum |X[k]|² of 256 bins is weighted with
40 triangles and summed; the feature is ln(sum + FLOOR), with samples in −1 … 1.

The triangles are evenly spaced in mel(f) = 2595·log10(1 + f / 700) between LOWEST and HIGHEST: with 42 evenly spaced
points, triangle m rises in f from point m to 1 at point m + 1 and falls to 0 at point m + 2.

Features are rounded to whole STEPs, far below what a model can hear, so that the last bits of a machine's own
arithmetic do not show: the same recordings give the same bytes wherever they are worked out.

Source: Davis and Mermelstein (1980) for triangles on the mel scale; O'Shaughnessy (1987) for its formula.

Shape suffixes: N recordings, S samples of sound, T windows, W samples of a window, K frequencies, F bands.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

RATE = 8_000
"""Samples a second."""
WINDOW = 200
"""Samples of a window, 25 ms."""
HOP = 80
"""Samples from one window to the next, 10 ms."""
FFT = 256
WINDOWS = 101
BANDS = 40
LOWEST = 20.0
"""Hz."""
HIGHEST = 4_000.0
FLOOR = 1e-3
"""Power that is added before the logarithm; hides the noise of rooms and microphones."""
STEP = 1 / 256
CHUNK = 128
"""Recordings worked on at once, which bounds the copies."""

Reals = npt.NDArray[np.float64]
Sound = npt.NDArray[np.int16]


def log_mel(recordings: Sequence[Sound]) -> npt.NDArray[np.int16]:
    """Return the features of recordings in STEPs, [N, T, F].

    Args:
        recordings: 16-bit samples at RATE, of any length; what lies after 1.0125 s is left out.
    """
    features_NTF = np.empty((len(recordings), WINDOWS, BANDS), dtype=np.int16)
    window_W = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    triangles_KF = triangles()
    for first in range(0, len(recordings), CHUNK):
        sound_NS = _aligned(recordings[first : first + CHUNK])
        windows_NTW = np.lib.stride_tricks.sliding_window_view(sound_NS, WINDOW, axis=1)[:, ::HOP]
        spectrum_NTK = np.fft.rfft(windows_NTW * window_W, FFT)
        power_NTK = spectrum_NTK.real**2 + spectrum_NTK.imag**2
        features_NTF[first : first + CHUNK] = np.rint(np.log(power_NTK @ triangles_KF + FLOOR) / STEP)
    return features_NTF


def _aligned(recordings: Sequence[Sound]) -> Reals:
    """Return samples of −1 … 1, all of one length, half a window of zeros before them."""
    before, length = WINDOW // 2, (WINDOWS - 1) * HOP + WINDOW
    sound_NS = np.zeros((len(recordings), length))
    for row_S, recording in zip(sound_NS, recordings, strict=True):
        kept = recording[: length - before]
        row_S[before : before + len(kept)] = kept
    return sound_NS / 2**15


def triangles() -> Reals:
    """Return the weight of each frequency in each band, [K, F]."""
    points = _hertz(np.linspace(_mel(LOWEST), _mel(HIGHEST), BANDS + 2))
    below_F, peak_F, above_F = points[:-2], points[1:-1], points[2:]
    frequency_K1 = np.arange(FFT // 2 + 1)[:, np.newaxis] * (RATE / FFT)
    rising_KF = (frequency_K1 - below_F) / (peak_F - below_F)
    falling_KF = (above_F - frequency_K1) / (above_F - peak_F)
    weights_KF: Reals = np.maximum(0, np.minimum(rising_KF, falling_KF))
    return weights_KF


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def _hertz(mel: Reals) -> Reals:
    return np.asarray(700 * (10 ** (mel / 2595) - 1), dtype=np.float64)
