"""What a sweep does with networks: draw training sets, train a bank of all widths, measure each network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, partial
from hashlib import sha256
from math import prod
from typing import Any, ClassVar
from zlib import crc32

import numpy as np
import torch

from twinpeaks.measure import Binary, InputLaw, Marginals, Normal, Uniform
from twinpeaks.measure.moments import binomial_error
from twinpeaks.networks.architectures import Architecture
from twinpeaks.networks.attacks import Attack, changed
from twinpeaks.networks.data import Data, Patterns, draw
from twinpeaks.networks.data.draw import check_size
from twinpeaks.networks.measured import Status, measured
from twinpeaks.networks.starts import InitialState
from twinpeaks.networks.training import Sets, Trained, Training, descend
from twinpeaks.sweeps import (
    Argument,
    Need,
    Protocol,
    Streams,
    Task,
    TorchRandom,
    Variable,
    Workspace,
)
from twinpeaks.sweeps.grid import Values
from twinpeaks.theory.axes import check_count, check_flag

__all__ = ["LAWS", "OUTPUTS", "NetworkTraining", "law_of"]

#: Laws of inputs that have a name for every data set.
LAWS = ("binary", "uniform", "normal", "marginals")
OUTPUTS = ("logits", "softmax", "log_softmax", "class")
_MOST = 2**53


class Outcome(IntEnum):
    """What became of one mean dimension."""

    CONVERGED = 0  # the estimate can be trusted
    CONSTANT = 1  # the outputs hardly vary under this law
    UNRELIABLE = 2  # too few points for this network
    UNTRAINED = 3  # the network's own status is not 0


_OUTCOMES = {"converged": Outcome.CONVERGED, "constant": Outcome.CONSTANT}
_BMD = (
    "mean dimension",
    "1",
    "sum_k T_k / Var f under the law, influences and variances summed over classes",
)
_SAID = {
    "train_error": (
        "training error",
        "1",
        "share of training labels, noise included, that are not the largest output",
    ),
    "test_error": (
        "test error",
        "1",
        "share of the patterns not trained on whose label is not the largest output",
    ),
    "train_loss": (
        "training loss per pattern",
        "1",
        "mean loss over the training set, penalty aside",
    ),
    "test_loss": None,
}


@dataclass(frozen=True)
class NetworkTraining(Protocol):
    """Train networks of all widths on one training set, and measure them.

    Attributes
    ----------
    data : Data
        Patterns.
    network : Architecture
        Of any width.
    training : Training
        How.
    starts : tuple of (str, InitialState)
        Initial states by name.
    laws : tuple of (str, InputLaw or None)
        Laws of the inputs by name; None is the one that the name stands for.
    outputs : tuple of str
        Functions of the logits whose mean dimension is measured.
    centre : bool
        Whether networks see inputs less the mean of their training set.
    samples, flips, variance_samples
        Of ``measure.mean_dimension``.
    attacks : tuple of (str, Attack)
        Attacks on the patterns not trained on, by name.
    """

    kind: ClassVar[str] = "networks"
    together: ClassVar[bool] = True
    streams: ClassVar[tuple[str, ...]] = (
        *("training set", "weights", "batches", "start", "batches of the start", "law", "attack"),
    )
    data: Data
    network: Architecture
    training: Training
    starts: tuple[tuple[str, InitialState], ...]
    laws: tuple[tuple[str, InputLaw | None], ...]
    outputs: tuple[str, ...]
    centre: bool
    samples: int
    flips: int | None
    variance_samples: int
    attacks: tuple[tuple[str, Attack], ...] = ()

    def __post_init__(self) -> None:
        """Check every number, and that laws fit the patterns."""
        for name, kind, example in (
            ("data", Data, "Digits()"),
            ("network", Architecture, "TwoLayer()"),
            ("training", Training, "Training()"),
        ):
            if not isinstance(getattr(self, name), kind):
                raise ValueError(f"{name} = {getattr(self, name)!r}: give one such as {example}")
        check_flag("centre", self.centre)
        check_count("samples", self.samples, 2)
        check_count("variance_samples", self.variance_samples, 2)
        patterns = self.data.load()
        inputs = prod(patterns.shape)
        if self.flips is not None and check_count("flips", self.flips, 1) > inputs:
            raise ValueError(
                f"flips = {self.flips}: {patterns.name} has {inputs} inputs, give no more"
            )
        for name, law in self.laws:
            if law_of(name, law, patterns).shape != patterns.shape:
                raise ValueError(
                    f"law {name!r} draws points of shape {law.shape if law else ()}: {patterns.name} has "
                    f"inputs of shape {patterns.shape}, give a law of these"
                )

    @property
    def axes(self) -> tuple[Argument, ...]:
        """Bank by bank outside; networks of one, and what is measured of each, inside."""
        outer = (
            Argument("n", f"[1, {_MOST}]", whole=True),
            Argument("noise", "[0, 1)"),
            Argument("weight_decay", "[0, inf)"),
            Argument("start", words=tuple(name for name, _ in self.starts)),
            Argument(
                "seed",
                said=("seed", "1", "of training set, label noise, weights and order of patterns"),
            ),
        )
        inner = [Argument("width", f"[1, {_MOST}]", whole=True, inner=True)]
        if self.laws:
            inner.append(Argument("law", inner=True, words=tuple(name for name, _ in self.laws)))
            inner.append(Argument("output", inner=True, words=self.outputs))
        if self.attacks:
            inner.append(Argument("attack", inner=True, words=tuple(n for n, _ in self.attacks)))
        return (*outer, *inner)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Errors and losses of every network, and its mean dimensions."""
        of_network = [Variable(name, ("width",), said) for name, said in _SAID.items()]
        status = Variable("status", ("width",), outcomes=Status)
        if self.attacks:
            hit = ("width", "attack")
            of_network += [Variable("attack_rate", hit), Variable("attack_rate_se", hit)]
        if not self.laws:
            return (*of_network, status)
        dims = ("width", "law", "output")
        error = ("standard error of bmd", "1", "Monte Carlo error within the network")
        return (
            *of_network,
            Variable("bmd", dims, _BMD),
            Variable("bmd_se", dims, error),
            Variable("bmd_status", dims, outcomes=Outcome),
            status,
        )

    def check(self, task: Task) -> None:
        """Refuse sizes that data, network or training cannot have."""
        patterns = self.data.load()
        check_size(patterns, task["n"], task["noise"])
        self.network.check_training(self.training, task["weight_decay"])
        start = dict(self.starts)[task["start"]]
        if self.network.exact and repr(start) != "Fresh(gain=1.0)":
            raise ValueError(
                f"start = {start!r}: {self.network!r} is trained exactly; give Fresh()"
            )
        for width in task["width"]:
            _checked(self.network, width, patterns.shape, patterns.classes)

    def describe(self) -> dict[str, Any]:
        """Every field in words: the data by their digest, wherever they lie."""
        laws = [[name, None if law is None else _digest(law)] for name, law in self.laws]
        return {
            "data": f"{self.data.load().name} {self.data.digest}",
            "network": self.network.digest,
            "training": repr(self.training),
            "starts": repr(self.starts),
            "laws": repr(laws),
            **{n: getattr(self, n) for n in ("samples", "variance_samples")},
            "flips": "all" if self.flips is None else self.flips,
            "outputs": repr(self.outputs),
            "attacks": repr(self.attacks),
            "centre": int(self.centre),
        }

    def random(self, task: Task, device: torch.device) -> Streams:
        """Streams of the seed alone, on the CPU: training sets grow with n, whatever else changes."""
        return Streams(self.streams, (task.seed,), torch.device("cpu"))

    def need(self, task: Task) -> Need:
        """The whole bank, and the inputs."""
        shape, classes, n = self.data.load().shape, self.data.load().classes, task["n"]
        copies = getattr(dict(self.starts)[task["start"]], "copies", 1)
        bank = sum(self.network.numbers(w, shape, classes, n * copies) for w in task["width"])
        widest = max(task["width"])
        return Need(bank + 4 * n * copies * prod(shape), widest, n * sum(task["width"]))

    def perform(self, tasks: Sequence[Task], work: Workspace) -> list[Values]:
        """Train the networks of all widths and of several seeds as one bank, and measure them one by one."""
        task, patterns = tasks[0], self.data.load()
        streams = [self.random(t, work.device) for t in tasks]
        sets, means, tests = self._drawn(task, patterns, streams, work.device)
        trained = train_networks(
            self.network,
            sets,
            self.training,
            task["weight_decay"],
            dict(self.starts)[task["start"]],
        )
        laws = {name: law_of(name, law, patterns) for name, law in self.laws}
        sizes = {
            "samples": self.samples,
            "flips": self.flips,
            "variance_samples": self.variance_samples,
        }
        found: list[Values] = []
        for s, stream in enumerate(streams):
            results = []
            for w in range(len(sets.widths)):
                network, reached = trained.networks[w][s], bool(trained.reached[w, s])
                parts = (sets.inputs[s], sets.labels[s]), tests[s]
                results.append(
                    measured(
                        network,
                        reached,
                        parts,
                        means[s],
                        self.training.loss,
                        {name: (law, _points(stream, name)) for name, law in laws.items()},
                        list(self.outputs),
                        sizes,
                        _OUTCOMES,
                    )
                )
                if self.attacks:
                    low, high = (edge[s, 0] for edge in sets.box)
                    trusted = results[-1]["status"] == Status.CONVERGED
                    results[-1] |= self._attacked(
                        network, tests[s][0], (low, high), stream, trusted
                    )
            found.append({name: np.stack([r[name] for r in results]) for name in results[0]})
        return found

    def _attacked(
        self,
        network: torch.nn.Module,
        x: torch.Tensor,
        box: tuple[torch.Tensor, torch.Tensor],
        stream: Streams,
        trusted: bool,
    ) -> dict[str, Any]:
        """Share of decisions that every attack changes, with the error of this sample of patterns."""
        rate, error = np.full((2, len(self.attacks)), np.nan)
        if trusted:
            for i, (name, attack) in enumerate(self.attacks):
                hit = changed(network, x, attack, box, stream["attack", crc32(name.encode())])
                rate[i] = float(hit.double().mean())
                error[i] = float(binomial_error(np.array(float(hit.sum())), len(hit)))
        return {"attack_rate": rate, "attack_rate_se": error}

    def _drawn(
        self, task: Task, patterns: Patterns, streams: Sequence[Streams], device: torch.device
    ) -> tuple[Sets, list[torch.Tensor], list[tuple[torch.Tensor, torch.Tensor]]]:
        """Training sets, what is subtracted from inputs, and test sets."""
        inputs, labels, means, tests = [], [], [], []
        for stream in streams:
            drawn = draw(patterns, task["n"], task["noise"], stream["training set"])
            x = torch.as_tensor(patterns.inputs[drawn.train], device=device)
            mean = x.mean(0) if self.centre else torch.zeros_like(x[0])
            inputs.append(x - mean)
            labels.append(torch.as_tensor(drawn.labels, device=device))
            means.append(mean)
            others = torch.as_tensor(patterns.inputs[drawn.test], device=device) - mean
            tests.append((others, torch.as_tensor(patterns.labels[drawn.test], device=device)))
        low, high = float(patterns.inputs.min()), float(patterns.inputs.max())
        shift = torch.stack(means)[:, None]
        sources = [partial(_source, stream) for stream in streams]
        box = (low - shift, high - shift)
        x, y = torch.stack(inputs), torch.stack(labels)
        return Sets(x, y, patterns.classes, box, tuple(task["width"]), sources), means, tests


def train_networks(
    network: Architecture, sets: Sets, training: Training, weight_decay: float, start: InitialState
) -> Trained:
    """Train a bank of networks from a start.

    Parameters
    ----------
    network, sets, training, weight_decay, start
        As for ``run_networks``; the training sets are drawn already.

    Returns
    -------
    Trained
    """
    exact = network.fit(sets, training, weight_decay)
    if exact is not None:
        return exact
    made = []
    for width in sets.widths:
        row = []
        for source in sets.sources:
            one = network.module(width, sets.shape, sets.classes, source("weights", width))
            start.begin(one)
            row.append(one)
        made.append(row)
    bank = network.bank(made, sets.shape, sets.inputs.device, training.dtype)
    start.pretrain(bank, sets, training)
    reached = descend(bank, sets, training, weight_decay, "batches")
    members = range(len(sets.sources))
    return Trained([[bank.module(w, s) for s in members] for w in range(len(made))], reached)


def _source(stream: Streams, name: str, number: int) -> TorchRandom:
    return stream[name, number]


def _points(stream: Streams, law: str) -> TorchRandom:
    """The same points for all networks of a seed, whichever other laws there are."""
    return stream["law", crc32(law.encode())]


def law_of(name: str, law: InputLaw | None, patterns: Patterns) -> InputLaw:
    """The law of a name, of points of the shape of the patterns.

    Parameters
    ----------
    name : str
        One of ``LAWS``, where no law is given: "binary" on {-1, 1}, "uniform" on [-1, 1], "normal" of mean 0
        and variance 1, "marginals" resampled from the columns of all patterns.
    law : InputLaw, optional
        What it stands for otherwise.
    patterns : Patterns
        Whose shape, and marginals.
    """
    if law is not None:
        return law
    makers: dict[str, Callable[[], InputLaw]] = {
        "binary": lambda: Binary(patterns.shape),
        "uniform": lambda: Uniform(shape=patterns.shape),
        "normal": lambda: Normal(shape=patterns.shape),
        "marginals": lambda: Marginals(patterns.inputs),
    }
    return makers[name]()


def _digest(law: InputLaw) -> str:
    """What tells a law from others of the same name and size."""
    numbers = [
        np.ascontiguousarray(part, dtype=float).tobytes() for part in (law.mean, law.covariance)
    ]
    data = getattr(law, "data", None)
    if data is not None:
        numbers.append(np.ascontiguousarray(data, dtype=float).tobytes())
    return f"{law!r} {sha256(b''.join(numbers)).hexdigest()[:16]}"


@cache
def _checked(network: Architecture, width: int, shape: tuple[int, ...], classes: int) -> None:
    network.check(width, shape, classes)
