"""Time the stages of one instance against the rate of matrix products of the device.

python -m benchmarks.device                              # this CPU, one thread, N = P = 2048
python -m benchmarks.device --device cuda --size 8192    # writes benchmarks/device-cuda.md and .csv

Every stage runs on the code that a sweep runs. On a CPU the clock is the time of the process, which
other programs do not stretch; on a GPU it is the wall, with the device waited for.
"""

from __future__ import annotations

import argparse
import csv
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import costs
from benchmarks.costs import Cost
from twinpeaks import theory
from twinpeaks.simulate.draw import Instance, draw_instance, streams_of
from twinpeaks.simulate.estimators.network import feature_influence
from twinpeaks.simulate.run import Training
from twinpeaks.simulate.train import train, train_stack
from twinpeaks.simulate.trainers.band import BlockTridiagonal, block_width
from twinpeaks.simulate.trainers.newton import DIRECT, RECYCLING, newton_path
from twinpeaks.simulate.trainers.reduction import times
from twinpeaks.sweeps.device import Workspace, choose_device, plan_memory, training_numbers
from twinpeaks.sweeps.sweep import Task

LAM = np.geomspace(10.0, 1e-4, 20)
FACTORISED = 2048  # largest size at which every step of a path is given a factor of its own
REPEATS = 3
LONG = 5.0  # seconds after which a run is not repeated


@dataclass(frozen=True)
class Stage:
    """One line of the table; ``share`` is of the float64 matrix-product rate."""

    stage: str
    seconds: float
    gflops: float
    gbytes: float
    gflops_per_s: float
    gbytes_per_s: float
    share: float


@dataclass(frozen=True)
class Line:
    """One comparison: two times and their ratio."""

    comparison: str
    first: float
    second: float
    ratio: float


class Clock:
    """Best of a few runs, after one that is not timed."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            return time.perf_counter()
        return time.process_time()

    def __call__(self, work: Callable[[], Any]) -> float:
        start = self.now()
        work()
        if (best := self.now() - start) > LONG:
            return best
        best = np.inf
        for _ in range(REPEATS):
            start = self.now()
            work()
            best = min(best, self.now() - start)
        return max(best, 1e-9)


def problem_of(loss: theory.Loss) -> theory.Problem:
    return theory.Problem(theory.Tanh(), theory.Sign(), loss)


def drawn(loss: theory.Loss, D: int, size: int, work: Workspace, seed: int = 0) -> Instance:
    streams = streams_of(seed, D, size, size, work.device)
    return draw_instance(problem_of(loss), D, size, size, streams["training"], work)


def stages(size: int, work: Workspace, clock: Clock) -> list[Stage]:
    """Every stage of an instance with N = P = size and D = P / 3, the matrix product first."""
    D, device = max(1, size // 3), work.device
    instance = drawn(theory.Logistic(), D, size, work)
    X, y = instance.design, instance.y
    random = streams_of(1, D, size, size, device)["flips"]
    c, v = random.uniform(size), random.normal(size)
    single = X.float()
    hessian = X.T @ X
    hessian.diagonal().add_(1.0)
    factor = torch.linalg.cholesky(hessian)
    inverse = torch.cholesky_inverse(factor)
    form, shifts = BlockTridiagonal.of(hessian[None].clone()), torch.as_tensor(LAM, device=device)
    rows = min(size, 1024)
    x = random.normal(rows, D)
    signs = torch.sign(random.normal(4, D))
    W = random.normal(size, len(LAM))

    def weighted() -> Tensor:
        return X.T @ (X * c[:, None])

    table: list[tuple[str, Callable[[], Any], Cost]] = [
        ("matrix product, float64", lambda: X @ hessian, costs.product(size, size, size)),
        ("matrix product, float32", lambda: single @ single, costs.product(size, size, size)),
        (f"features, {rows} rows", lambda: instance.layers(x), costs.features(D, size, rows)),
        ("Gram matrix", lambda: X.T @ X, costs.gram(size, size)),
        (
            "block-tridiagonal form",
            lambda: BlockTridiagonal.of(hessian[None].clone()),
            costs.block_tridiagonal(size, block_width(size)),
        ),
        (
            f"its factors, {len(LAM)} lam",
            lambda: form.factor(shifts),
            costs.shifted(size, block_width(size), len(LAM)),
        ),
        ("Hessian", weighted, costs.hessian(size, size)),
        ("Cholesky", lambda: torch.linalg.cholesky_ex(hessian), costs.cholesky(size)),
        (
            "Hessian times vector",
            lambda: times(X[None].mT, c * times(X[None], v[None])),
            costs.hessian_product(size, size),
        ),
        (
            "two triangular solves",
            lambda: torch.cholesky_solve(v[:, None], factor),
            costs.triangular_solves(size),
        ),
        ("inverse from factor", lambda: torch.cholesky_inverse(factor), costs.inverse(size)),
        ("inverse times vector", lambda: inverse @ v, costs.product(size, 1, size)),
        (
            f"training loss, {len(LAM)} lam",
            lambda: theory.Logistic().value(y[:, None], X @ W).sum(0),
            costs.product(size, len(LAM), size),
        ),
        (
            f"flips of 4 inputs, {len(LAM)} lam",
            lambda: feature_influence(instance.layers, W, signs, work),
            costs.flips(D, size, 4, len(LAM)),
        ),
    ]
    out: list[Stage] = []
    for name, run, cost in table:
        seconds = clock(run)
        rate = cost.flops / seconds
        peak = out[0].gflops_per_s * 1e9 if out else rate
        moved = cost.bytes / seconds
        out.append(
            Stage(
                name,
                seconds,
                cost.flops / 1e9,
                cost.bytes / 1e9,
                rate / 1e9,
                moved / 1e9,
                rate / peak,
            )
        )
        print(row(asdict(out[-1])), flush=True)
    return out


def dominant(table: list[Stage]) -> str:
    """The stage that takes longest in training with either kind of loss, and its share."""
    named = {stage.stage: stage for stage in table}
    longest = (
        (loss, max((named[name] for name in names), key=lambda stage: stage.seconds))
        for loss, names in (
            ("square loss", ("Gram matrix", "block-tridiagonal form")),
            ("smooth losses", ("Hessian", "Cholesky", "inverse from factor")),
        )
    )
    return "; ".join(
        f"dominant in {loss}: {stage.stage}, {100 * stage.share:.0f} % of the float64 product"
        for loss, stage in longest
    )


def comparisons(size: int, work: Workspace, clock: Clock, wide: int) -> list[Line]:
    """What an axis of lam, recycled factors and batches cost beside what they replace."""
    out: list[Line] = []

    def compare(name: str, first: float, second: float) -> None:
        out.append(Line(name, first, second, second / first))
        print(row(asdict(out[-1])), flush=True)

    D = max(1, size // 3)
    square, logistic = theory.Square(), theory.Logistic()
    smooth: tuple[theory.Loss, ...] = (square, logistic)
    drawing = drawn(square, D, size, work)
    X, y = drawing.design, drawing.y
    for loss in smooth:
        one, many = (clock(partial(train, loss, X, y, lam)) for lam in (LAM[-1:], LAM))
        compare(f"training, {loss!r}: 1 and {len(LAM)} lam", one, many)
    protocol = Training(problem_of(square), 2048, 4, 2048, 1e-6)
    one, many = (
        clock(partial(protocol.perform, [Task(D, size, size, 0, (("lam", tuple(lam)),))], work))
        for lam in (LAM[-1:], LAM)
    )
    compare(f"whole instance, {square!r}: 1 and {len(LAM)} lam", one, many)
    short = min(size, FACTORISED)
    small = drawn(logistic, max(1, short // 3), short, work)
    direct, recycled = (
        clock(partial(newton_path, logistic, small.design[None], small.y[None], LAM, how))
        for how in (DIRECT, RECYCLING)
    )
    compare(
        f"{len(LAM)} lam of N = P = {short}, {logistic!r}: a factor a step, and recycled",
        direct,
        recycled,
    )
    losses: tuple[theory.Loss, ...] = (square, logistic, theory.Hinge())
    for loss in losses:
        parts = [drawn(loss, max(1, wide // 3), wide, work, seed) for seed in range(8)]
        stack, labels = torch.stack([p.design for p in parts]), torch.stack([p.y for p in parts])
        lam = LAM[::4]
        alone = clock(lambda: [train(loss, p.design, p.y, lam) for p in parts])  # noqa: B023
        together = clock(lambda: train_stack(loss, stack, labels, lam))  # noqa: B023
        compare(f"8 seeds of N = P = {wide}, {loss!r}: alone and together", alone, together)
    return out


def row(cells: dict[str, Any]) -> str:
    """One line of Markdown."""
    shown = (c if isinstance(c, str) else f"{c:.3g}" for c in cells.values())
    return "| " + " | ".join(shown) + " |"


def markdown(about: str, tables: list[list[Any]]) -> str:
    parts = [about]
    for table in tables:
        names = list(asdict(table[0]))
        head = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
        parts.append("\n".join([*head, *(row(asdict(line)) for line in table)]))
    return "\n\n".join(parts) + "\n"


def name_of(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    for line in (
        Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ()
    ):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:<index>")
    parser.add_argument("--size", type=int, help="N = P; 2048 on a CPU, 8192 on a GPU")
    parser.add_argument("--batch-size", type=int, default=256, help="N = P of the batched seeds")
    parser.add_argument("--threads", type=int, default=1, help="on a CPU")
    parser.add_argument("--output", type=Path, help="path without ending; .md and .csv are added")
    given = parser.parse_args()
    device = choose_device(given.device)
    torch.set_num_threads(given.threads)
    size = given.size or (8192 if device.type == "cuda" else 2048)
    shape = (max(1, size // 3), size, size)
    work = plan_memory(
        [shape],
        theory.Gaussian(),
        partial(training_numbers, n_lam=len(LAM), quadratic=False),
        device,
        None,
    )
    about = (
        f"{name_of(device)}, {device.type}, {given.threads} thread(s), float64, "
        f"torch {torch.__version__}, N = P = {size}, D = {shape[0]}"
    )
    print(about)
    clock = Clock(device)
    tables: list[list[Any]] = [
        stages(size, work, clock),
        comparisons(size, work, clock, given.batch_size),
    ]
    print(dominant(tables[0]))
    about += f". {dominant(tables[0])}"
    if device.type == "cuda":
        about += (
            f"; largest memory in tensors {torch.cuda.max_memory_allocated(device) / 2**30:.2f} GiB"
        )
        print(about)
    path = given.output or Path(__file__).with_name(f"device-{device.type}")
    path.with_suffix(".md").write_text(markdown(about, tables))
    with path.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([about])
        for table in tables:
            writer.writerow(asdict(table[0]))
            writer.writerows(asdict(line).values() for line in table)
    print(f"written to {path}.md and {path}.csv")


if __name__ == "__main__":
    main()
