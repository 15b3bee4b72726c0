"""What sweeps need of memory: planned before any work, refused where it is not there."""

import re
import subprocess
import sys

import pytest

from twinpeaks import simulate, theory

FUNCTIONS = {
    "train": simulate.run,
    "sample": simulate.sample,
    "attack": simulate.attack,
    "start": simulate.run_from_start,
}


def no_work(*_):
    pytest.fail("work was done")


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_drawing_features_counts(kind, monkeypatch):
    """Haar matrices take more room than all the rest of these shapes."""
    monkeypatch.setattr("twinpeaks.sweeps.execute._perform", no_work)

    def needed(law):
        problem = theory.Problem(features=law)
        at = {"D": 2000, "overparam": 20.0, "alpha_T": 0.025, "seeds": 1, "memory": 1}
        if kind == "sample":
            at |= {"chains": 4, "draws": 4}
        at |= {"n_attack": 2} if kind == "attack" else {}
        at |= {"start": theory.GaussianStart()} if kind == "start" else {}
        with pytest.raises(ValueError, match="memory = 1 bytes are available") as refusal:
            FUNCTIONS[kind](problem, **at)
        return int(re.search(r"need (\d+) bytes", str(refusal.value))[1])

    law = theory.Orthogonal()
    row = 8 * 4 * 1000  # the smallest chunk
    assert needed(law) == 8 * (2000 * 1000 + law.sampling_numbers(2000, 1000)) + row
    assert needed(theory.Gaussian()) < 0.6 * needed(law)


def test_too_many_draws_are_refused_with_the_numbers(monkeypatch):
    monkeypatch.setattr("twinpeaks.sweeps.execute._perform", no_work)
    words = r"D = 20, N = 30, P = 60 need \d{12} bytes on cpu and memory = 1073741824 bytes"
    with pytest.raises(ValueError, match=words):
        simulate.sample(theory.Problem(), 0.5, D=20, draws=10**7, device="cpu", memory=2**30)


_PEAK = """
import numpy as np, torch
from twinpeaks import theory
from twinpeaks.sweeps.device import Workspace
from twinpeaks.simulate.initialisation import FromStart
from twinpeaks.simulate.chains.mixing import Limits
from twinpeaks.simulate.chains.posterior import Counts
from twinpeaks.simulate.chains.protocol import Sampling
from twinpeaks.sweeps import Task
WORK = Workspace(torch.device("cpu"), 2**20)
torch.set_num_threads(1)
def peak():  # VmHWM begins anew with the program, ru_maxrss with what the parent held
    from pathlib import Path
    return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
D, N, P = {size}
axes = {axes}
def task(D, N, P): return Task((("D", D), ("N", N), ("P", P)), 0, axes)
protocol = {protocol}
{small}.perform([task(20, 20, 30)], WORK)
before = peak()
protocol.perform([task(D, N, P)], WORK)
chunk = 8 * 4 * N * WORK.rows(N)
print(peak() - before, 8 * (D * N + protocol.numbers(task(D, N, P))) + chunk)
"""
_DRAWN = (
    "Sampling(theory.Problem(loss=theory.{}()), 4, 6, {}, 1.0, Limits(), Counts(100, 2, 64, 8))"
)
_BETA = '(("lam", (0.1,)), ("beta", (3.0,)))'
_START = "FromStart(theory.Problem(), theory.RandomLabelsStart({}, scale=1.0), 100, 2, 64)"
_SCALE = '(("lam", (0.0,)), ("scale", (1.0,)), ("alpha_prime", ({},)))'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "small", "axes", "size"),
    [
        *(
            (_DRAWN.format(loss, draws), _DRAWN.format(loss, 8), _BETA, size)
            for loss in ("Square", "Logistic")
            for size, draws in (
                ((300, 800, 1200), 50),
                ((300, 1200, 800), 50),
                ((60, 300, 150), 5000),
                ((60, 150, 300), 5000),
            )
        ),
        *(
            (_START.format(a), _START.format(a), _SCALE.format(a), size)
            for a in (0.5, 2.0)
            for size in ((300, 800, 1200), (300, 1200, 800))
        ),
    ],
)
def test_a_sweep_takes_no_more_than_planned(protocol, small, axes, size):
    code = _PEAK.format(protocol=protocol, small=small, axes=axes, size=size)
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    used, planned = map(int, out.stdout.split())
    assert used < planned + 8 * 2**20  # buffers of the linear algebra library
    assert used > 0.25 * planned
