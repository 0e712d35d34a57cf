"""A burst whose parts can be told from one another: 20 ms each of 700, 1100 and 1500 Hz, then a pause and a tone."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .tone import Samples, sine, write_wave

STEPS_HERTZ = (700, 1100, 1500)
STEP_MILLISECONDS = 20
BURST_MILLISECONDS = STEP_MILLISECONDS * len(STEPS_HERTZ)
RATE = 8000

_WINDOW_SECONDS = 0.01
_HOP_SECONDS = 0.001
_SHARE = 0.6
"""A window counts for a step when this share of its power is at the step's frequency."""
_SEARCH_SECONDS = 0.15


def burst(muted_milliseconds: float = 0) -> Samples:
    """The burst alone at 8 kHz, its beginning replaced by silence on request."""
    samples = np.concatenate([sine(hertz, STEP_MILLISECONDS / 1000, RATE) for hertz in STEPS_HERTZ])
    samples[: int(muted_milliseconds * RATE / 1000)] = 0
    return samples


def write_burst(path: Path, muted_milliseconds: float = 0) -> Path:
    """The burst from sample 0, then 0.3 s of silence, then 1000 Hz to the end."""
    silence = np.zeros(int(0.3 * RATE))
    return write_wave(path, np.concatenate([burst(muted_milliseconds), silence, sine(1000, 60, RATE)]), RATE)


def heard_milliseconds(samples: Samples, rate: int) -> float:
    """How much of the burst's 60 ms is in `samples`, each step counted up to its own 20 ms."""
    found = _windows(samples, rate)
    counts = _best_counts(found)
    reference = _best_counts(_windows(np.concatenate([np.zeros(800), burst(), np.zeros(800)]), RATE))
    return float(sum(STEP_MILLISECONDS * min(1, count / whole) for count, whole in zip(counts, reference, strict=True)))


def _windows(samples: Samples, rate: int) -> NDArray[np.int64]:
    """For each millisecond the step that is heard there (0, 1, 2), or -1."""
    length, hop = int(_WINDOW_SECONDS * rate), int(_HOP_SECONDS * rate)
    if len(samples) < length:
        return np.empty(0, dtype=np.int64)
    frames = np.lib.stride_tricks.sliding_window_view(samples, length)[::hop]
    power = np.mean(frames**2, axis=1)
    time = np.arange(length) / rate
    shares = []
    for hertz in STEPS_HERTZ:
        wave = np.exp(-2j * np.pi * hertz * time)
        shares.append(2 * np.abs(frames @ wave / length) ** 2 / np.maximum(power, 1e-9))
    best = np.argmax(shares, axis=0)
    # Half scale has a power of 1.3e8; a tenth of its amplitude is still heard.
    sure = (np.max(shares, axis=0) > _SHARE) & (power > 1.3e6)
    return np.where(sure, best, -1)


def _best_counts(steps: NDArray[np.int64]) -> list[int]:
    """The windows of each step within the 150 ms that hold most of them."""
    if not len(steps):
        return [0] * len(STEPS_HERTZ)
    span = int(_SEARCH_SECONDS / _HOP_SECONDS)
    per_step = [np.convolve(steps == step, np.ones(span), "full") for step in range(len(STEPS_HERTZ))]
    at = int(np.argmax(np.sum(per_step, axis=0)))
    return [round(counts[at]) for counts in per_step]
