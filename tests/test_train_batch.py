"""Seeds trained together: the same results, a plan that fits, and devices that fail in words."""

import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from components import MOMENTS, NumpyRandom

from twinpeaks import simulate, sweeps, theory
from twinpeaks.simulate.draw import draw_instance, streams_of
from twinpeaks.simulate.run import Training
from twinpeaks.simulate.train import Status, train, train_stack
from twinpeaks.sweeps import Task
from twinpeaks.sweeps.device import DeviceError, Workspace, explained, plan_memory
from twinpeaks.sweeps.sweep import Sweep, perform
from twinpeaks.sweeps.workers import grouped

CPU, GPU = torch.device("cpu"), torch.device("cuda")
WORK = Workspace(CPU, 2**20)
SHAPES = [(40, 15), (40, 40), (30, 100)]  # (P, N)
LOSSES = [theory.Square(), theory.Logistic(), theory.SquaredHinge(), theory.Hinge()]
PENALTIES = np.array([1e-1, 1e-5, 10.0, 1e-3])
SMALL = {"D": 20, "seeds": 5, "n_test": 300, "n_flip": 4, "n_variance": 200}


def stack(P, N, loss, seeds=4, D=20):
    problem = theory.Problem(loss=loss)
    streams = [streams_of(seed, D, N, P, CPU)["training"] for seed in range(seeds)]
    drawn = [draw_instance(problem, D, N, P, stream, WORK) for stream in streams]
    return torch.stack([d.design for d in drawn]), torch.stack([d.y for d in drawn])


def task_of(D, N, P, seed, lam):
    return Task((("D", D), ("N", N), ("P", P)), seed, (("lam", lam),))


# --- results --------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize(("P", "N"), SHAPES)
def test_a_member_does_not_depend_on_its_company(loss, P, N):
    X, y = stack(P, N, loss)
    X[2] *= 30  # far from the others in the number of steps it takes
    together = train_stack(loss, X, y, PENALTIES)
    for one, label, fit in zip(X, y, together, strict=True):
        alone = train(loss, one, label, PENALTIES)
        np.testing.assert_array_equal(fit.status, Status.CONVERGED)
        error = torch.linalg.vector_norm(fit.weights - alone.weights, dim=0)
        size = torch.linalg.vector_norm(alone.weights, dim=0)
        # both are within their optimality of the one minimum
        assert (error.numpy() <= (fit.optimality + alone.optimality) * size.numpy()).all()
        assert (error < 1e-7 * size).all()


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_recycled_factors_of_a_stack_belong_to_their_members(loss, monkeypatch):
    from twinpeaks.simulate.trainers import newton

    monkeypatch.setattr(newton, "RECYCLING", newton.Recycling(1, 4))
    monkeypatch.setattr(newton.newton_path, "__defaults__", (newton.RECYCLING,))
    test_a_member_does_not_depend_on_its_company(loss, 40, 15)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_member_that_is_not_finite_is_said_to_be_and_spoils_no_other(loss):
    X, y = stack(40, 15, loss)
    good = train_stack(loss, X[[0, 1, 3]], y[[0, 1, 3]], PENALTIES)
    X[2, 3, 4] = torch.inf
    fits = train_stack(loss, X, y, PENALTIES)
    assert [int(f.status[0]) for f in fits] == [0, 0, Status.NONFINITE, 0]
    assert (fits[2].weights == 0).all()
    for fit, same in zip([fits[0], fits[1], fits[3]], good, strict=True):
        torch.testing.assert_close(fit.weights, same.weights, rtol=0, atol=0)
    assert [int(f.status[0]) for f in train_stack(loss, X[2:3], y[2:3], PENALTIES)] == [2]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_batch_measures_what_its_tasks_measure(loss):
    protocol = Training(theory.Problem(loss=loss), 300, 4, 200, 1e-6)
    sweep = Sweep(protocol, WORK, 1)
    tasks = [task_of(20, 30, 40, seed, (1e-3, 1e-1)) for seed in (3, 0, 7)]
    for task, value in zip(tasks, perform(sweep, tasks), strict=True):
        (alone,) = perform(sweep, [task])
        for name, given in value.items():
            if name != "optimality":
                np.testing.assert_allclose(given, alone[name], rtol=1e-6, err_msg=name)
    with pytest.raises(ValueError, match=r"tasks = .*differ in their seed alone"):
        perform(sweep, [tasks[0], task_of(20, 31, 40, 0, (1e-3, 1e-1))])


def test_a_sweep_in_batches_is_the_sweep(tmp_path):
    arguments = {"overparam": [0.5, 2.0], "lam": [1e-3, 0.1]} | SMALL
    plain = simulate.run(theory.Problem(), **arguments)
    xr.testing.assert_identical(plain, simulate.run(theory.Problem(), batch=1, **arguments))
    for extra in ({}, {"store": tmp_path / "run.db"}):
        batched = simulate.run(theory.Problem(), batch=3, **arguments, **extra)
        for name in plain.data_vars:
            if name != "optimality":
                np.testing.assert_allclose(batched[name], plain[name], rtol=1e-7, err_msg=name)
    with pytest.raises(ValueError, match="batch = 0: give an integer >= 1"):
        simulate.run(theory.Problem(), batch=0, **arguments)


def test_groups_are_consecutive_tasks_of_one_size():
    sizes = [10] * 5 + [20] * 2 + [10]
    tasks = [(str(i), task_of(5, N, 10, i, (1.0,))) for i, N in enumerate(sizes)]
    batches = (("D = 5, N = 10, P = 10", 3), ("D = 5, N = 20, P = 10", 8))
    work = replace(WORK, batches=batches)
    groups = list(grouped(work, iter(tasks)))
    assert [len(g) for g in groups] == [3, 2, 2, 1]
    assert [task for group in groups for task in group] == tasks
    read = []
    queue = (read.append(t) or t for t in tasks)
    assert (
        len(next(grouped(WORK, queue))) == len(read) == 1
    )  # a claim is taken when it is worked on


# --- memory ---------------------------------------------------------------------------------------


def taken_and_said(law, D, N):
    """Bytes that drawing features takes, and those that the law announces."""
    law.sample(D, N, MOMENTS, 1.0, NumpyRandom(0))  # what the first call imports is not of the law
    tracemalloc.start()
    try:
        law.sample(D, N, MOMENTS, 1.0, NumpyRandom(0))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak, 8 * (D * N + law.sampling_numbers(D, N))


@pytest.mark.parametrize("D", [60, 240])
@pytest.mark.parametrize("law", [theory.Orthogonal(), theory.Gaussian()], ids=repr)
def test_sampling_takes_what_the_law_says(law, D):
    N = 160
    peak, said = taken_and_said(law, D, N)
    assert 0.5 * said < peak < 1.05 * said


def test_a_measured_spectrum_takes_what_it_says():
    D, N = 200, 160
    s = np.linspace(0.5, 1.5, N)
    omega = MOMENTS.kappa_1**2 * s + MOMENTS.kappa_star**2
    law = theory.Spectrum(tuple(omega), tuple(MOMENTS.kappa_1**2 * s / (2 * N)))
    peak, said = taken_and_said(law, D, N)
    assert 0.4 * said < peak < 1.05 * said


def plan(size, memory, *, device=CPU, law=None, **extra):
    problem = theory.Problem(features=law or theory.Gaussian())
    protocol, task = Training(problem, 9, 2, 9, 0.1), task_of(*size, 0, (1.0,) * 5)
    return plan_memory([(task.words, protocol.need(task))], device, memory, **extra)


def test_features_that_do_not_fit_while_they_are_drawn_are_refused():
    size, memory = (2000, 1000, 50), 36 * 2**20
    assert plan(size, memory).chunk > 0
    with pytest.raises(ValueError, match=rf"D = 2000, N = 1000, P = 50 need 7.* = {memory} bytes"):
        plan(size, memory, law=theory.Orthogonal())


def test_tasks_on_one_machine_share_its_memory(monkeypatch):
    monkeypatch.setattr("twinpeaks.sweeps.device._available", lambda device: 2**30)
    size = (1000, 4000, 2500)  # 0.3 GiB
    assert plan(size, None).chunk > 0
    with pytest.raises(ValueError, match=f"= {2**30 // 4} bytes are available"):
        plan(size, None, neighbours=2)
    assert plan(size, None, neighbours=2, device=GPU).chunk > 0  # a GPU is not shared


def test_batches_fill_a_gpu_and_no_more_than_its_memory():
    def on_gpu(n, memory=2**37, **extra):
        words = f"D = {n // 3}, N = {n}, P = {n}"
        return plan((n // 3, n, n), memory, device=GPU, **({"batch": None} | extra)).batch(words)

    assert [on_gpu(n) for n in (64, 1024, 2048, 8192)] == [64, 16, 4, 1]
    assert on_gpu(1024, batch=3) == 3
    one = 8 * (341 * 1024 + 5 * 1024**2 + (4 + 2 * 64) * 1024 * 5 + 2048 * 341)
    assert on_gpu(1024, 2**29 + 5 * one, batch=16) == 5
    assert plan((100, 300, 300), 2**33).batches == ()  # a CPU repeats bit for bit
    assert plan((100, 300, 300), 2**33, batch=4).batch("D = 100, N = 300, P = 300") == 4


_PEAK = """
import numpy as np, torch
from twinpeaks import theory
from twinpeaks.simulate.train import train_stack
from twinpeaks.simulate.protocol import training_numbers
torch.set_num_threads(1)
loss, B, P, N = {loss}, {B}, {P}, {N}
def peak():  # VmHWM begins anew with the program, ru_maxrss with what the parent held
    from pathlib import Path
    return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
g = torch.Generator().manual_seed(0)
X = torch.randn(B, P, N, generator=g, dtype=torch.float64) / N**0.5
y = torch.sign(torch.randn(B, P, generator=g, dtype=torch.float64))
train_stack(loss, X[:, :50, :50].contiguous(), y[:, :50], np.array([1.0, 0.1]))
before = peak() - X.nbytes
train_stack(loss, X, y, np.array([1.0, 0.1]))
print(peak() - before, 8 * B * training_numbers(1, N, P, 2, loss.quadratic is not None))
"""


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize(("B", "P", "N"), [(1, 1500, 1500), (1, 800, 3000), (3, 1800, 600)])
def test_training_takes_no_more_than_planned(loss, B, P, N):
    import subprocess

    code = _PEAK.format(loss=f"theory.{loss!r}", B=B, P=P, N=N)
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    used, planned = map(int, out.stdout.split())
    assert used < planned + 8 * 2**20  # buffers of the linear algebra library
    assert used > 0.25 * planned


# --- devices that fail ----------------------------------------------------------------------------


def failing(monkeypatch, error, after=0):
    module = sys.modules["twinpeaks.simulate.run"]
    calls, works = [], module.train_stack

    def fail(*arguments):
        calls.append(arguments)
        if len(calls) > after:
            raise error
        return works(*arguments)

    monkeypatch.setattr(module, "train_stack", fail)


def test_memory_that_runs_out_is_said_with_numbers_and_remedy(monkeypatch):
    text = "CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has more to say"
    failing(monkeypatch, torch.cuda.OutOfMemoryError(text))
    words = (
        r"^3 x \(D = 20, N = 90, P = 60\) on cpu ran out of memory, \d+ bytes of physical "
        r"memory \(CUDA out of memory. Tried to allocate 2.00 GiB.\): lower batch, memory or the sizes"
    )
    with pytest.raises(DeviceError, match=words):
        simulate.run(theory.Problem(), 1.5, batch=3, **SMALL)


def test_a_lost_device_leaves_what_was_finished(monkeypatch, tmp_path):
    arguments = {"store": tmp_path / "run.db"} | SMALL
    with monkeypatch.context() as patch:
        failing(patch, RuntimeError("CUDA error: device-side assert\nmore"), after=3)
        words = (
            r"N = 90, P = 60\) on cpu: the device failed or was lost "
            r"\(CUDA error: device-side assert\)\. Start a new process; with a store"
        )
        with pytest.raises(DeviceError, match=words):
            simulate.run(theory.Problem(), 1.5, **arguments)
    with sweeps.Store(tmp_path / "run.db", create=False) as store:
        assert store.summary().results == 3
    again = simulate.run(theory.Problem(), 1.5, **arguments)
    xr.testing.assert_identical(again, simulate.run(theory.Problem(), 1.5, **SMALL))


def test_other_errors_are_left_alone():
    with pytest.raises(RuntimeError, match=r"^a bug$") as caught, explained(CPU, "D = 1", 1):
        raise RuntimeError("a bug")
    assert type(caught.value) is RuntimeError
