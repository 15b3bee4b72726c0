"""CPU time of a bank of 30 two-layer networks beside the same networks trained one by one by torch alone.

python -m benchmarks.networks            # table, and benchmarks/networks.csv

Widths 2 to 128, three seeds; 400 digits, label noise 0.2, square loss, Adam on the full batch, 200 steps with
the same step sizes. The agreement is the largest difference of any weight between both ways, which start
from the same weights. Runs of the two ways take turns, and the best of three of each counts.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from twinpeaks.networks import Digits, Training, TwoLayer
from twinpeaks.networks.data import draw
from twinpeaks.networks.training import Sets, descend
from twinpeaks.sweeps import TorchRandom

WIDTHS, SEEDS, N, STEPS = (2, 3, 4, 6, 8, 12, 16, 24, 48, 128), 3, 400, 200
COLUMNS = ("precision", "way", "CPU ms a step", "times faster", "largest difference of a weight")
Networks = list[list[nn.Module]]


def source(seed: int) -> Callable[[str, int], TorchRandom]:
    return lambda name, number: TorchRandom.named(name, seed, number)


def drawn() -> Sets:
    patterns = Digits().load()
    found = [draw(patterns, N, 0.2, TorchRandom.from_seed(seed)) for seed in range(SEEDS)]
    x = torch.stack([torch.as_tensor(patterns.inputs[f.train]) for f in found])
    y = torch.stack([torch.as_tensor(f.labels) for f in found])
    box = torch.tensor(-1.0), torch.tensor(1.0)
    return Sets(x, y, 10, box, WIDTHS, [source(seed) for seed in range(SEEDS)])


def fresh(sets: Sets) -> Networks:
    network = TwoLayer()
    return [
        [network.module(w, sets.shape, 10, s("weights", w)) for s in sets.sources]
        for w in sets.widths
    ]


def as_bank(sets: Sets, how: Training) -> Networks:
    bank = TwoLayer().bank(fresh(sets), sets.shape, torch.device("cpu"), how.dtype)
    descend(bank, sets, how, 0.0, "batches")
    return [[bank.module(w, s) for s in range(SEEDS)] for w in range(len(WIDTHS))]


def one_by_one(sets: Sets, how: Training) -> Networks:
    """What one writes in a notebook."""
    networks = [[n.to(how.dtype) for n in row] for row in fresh(sets)]
    targets = nn.functional.one_hot(sets.labels, 10).to(how.dtype)
    for row in networks:
        for network, inputs, target in zip(row, sets.inputs.to(how.dtype), targets, strict=True):
            optimiser = torch.optim.Adam(network.parameters(), lr=how.lr)
            for epoch in range(how.epochs):
                optimiser.param_groups[0]["lr"] = how.rate(epoch)
                optimiser.zero_grad()
                nn.functional.mse_loss(network(inputs), target).backward()
                optimiser.step()
    return networks


def timed(way: Callable[[Sets, Training], Networks], how: Training) -> tuple[float, Networks]:
    sets = drawn()
    start = time.process_time()
    found = way(sets, how)
    return time.process_time() - start, found


def weights(networks: Networks) -> Tensor:
    every = (p for row in networks for n in row for p in n.parameters())
    return torch.cat([p.detach().double().flatten() for p in every])


def main() -> None:
    torch.set_num_threads(1)
    rows = []
    for precision in ("double", "single"):
        how = Training(epochs=STEPS, precision=precision)
        seconds: dict[str, list[float]] = {"bank": [], "one by one": []}
        for _ in range(3):
            for name, way in (("bank", as_bank), ("one by one", one_by_one)):
                taken, found = timed(way, how)
                seconds[name].append(taken)
                if name == "bank":
                    together = weights(found)
                else:
                    apart = float((weights(found) - together).abs().max())
        alone = min(seconds["one by one"])
        for name, taken in seconds.items():
            ms, faster = 1e3 * min(taken) / STEPS, alone / min(taken)
            rows.append((precision, name, f"{ms:.2f}", f"{faster:.1f}", f"{apart:.1e}"))
            print("  ".join(rows[-1]))
    with Path(__file__).with_name("networks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    np.seterr(all="raise")
    main()
