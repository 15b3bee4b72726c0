"""Networks trained on data, against any of their sizes: errors, losses and mean dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import xarray as xr

from twinpeaks import sweeps
from twinpeaks.measure import InputLaw
from twinpeaks.networks.architectures import Architecture
from twinpeaks.networks.architectures.layers import TwoLayer
from twinpeaks.networks.attacks import Attack
from twinpeaks.networks.data import Data, Digits
from twinpeaks.networks.protocol import LAWS, OUTPUTS, NetworkTraining
from twinpeaks.networks.starts import InitialState
from twinpeaks.networks.starts.fresh import Fresh
from twinpeaks.networks.training import Training
from twinpeaks.sweeps import Options
from twinpeaks.sweeps.resources import read_resources
from twinpeaks.theory.axes import Given

__all__ = ["run_networks"]


def run_networks(
    data: Data | None = None,
    network: Architecture | None = None,
    training: Training | None = None,
    *,
    n: Given,
    width: Given,
    noise: Given = 0.0,
    weight_decay: Given = 0.0,
    seeds: int | Sequence[int] = 5,
    start: InitialState | Mapping[str, InitialState] | None = None,
    laws: Sequence[str] | Mapping[str, InputLaw] = ("binary", "marginals"),
    outputs: Sequence[str] = ("logits", "softmax"),
    centre: bool = False,
    samples: int = 64,
    flips: int | None = None,
    variance_samples: int = 4096,
    attacks: Mapping[str, Attack] | None = None,
    **resources: Unpack[Options],
) -> xr.Dataset:
    """Train networks of any kind on data, and measure errors and mean dimensions.

    Parameters
    ----------
    data : Data
        ``Digits()`` by default.
    network : Architecture
        ``TwoLayer()`` with tanh by default.
    training : Training
        ``Training()`` by default: square loss, 2000 epochs of Adam on the full batch.
    n, noise, weight_decay : number, 1-d sequence or DataArray
        Training patterns, share of their labels replaced by another class, and penalty. Sequences become
        dimensions, numbers scalar coordinates, DataArrays on one dimension are taken point by point.
    width : int, or sequence of int
        Of the networks. All widths of a seed train as one bank.
    seeds : int or sequence of int
        Each is one training set with its label noise, and other weights for every width. A larger n keeps
        the patterns of a smaller one.
    start : InitialState, or dict of them by name
        ``Fresh()`` by default; several become a dimension.
    laws : sequence of str, or dict of InputLaw by name
        Laws of inputs of the mean dimension: "binary", "uniform", "normal", "marginals"; none measures none.
    outputs : sequence of str
        Of "logits", "softmax", "log_softmax" and "class": all from the same evaluations.
    centre : bool
        Subtract the mean of the training inputs from all inputs; the mean dimension is of the whole function.
    samples, flips, variance_samples : int
        As for ``mean_dimension``; by default every input of 64 points is flipped.
    attacks : dict of Attack by name, optional
        On the patterns not trained on: ``attack_rate`` is the share of decisions that each changes.
    **resources
        ``device``, ``memory``, ``threads``, ``batch``, ``store``, ``scheduler`` and ``progress``: the
        attributes of ``sweeps.Resources``. A task is the bank of one seed; ``batch`` seeds train together.

    Returns
    -------
    xarray.Dataset
        Dimensions (n, noise, weight_decay, start, seed, width, law, output), less those given as one value:
        train_error, test_error, train_loss, test_loss and status of every network; bmd, its Monte Carlo error
        bmd_se and bmd_status. Where ``status`` is not 0 all are NaN but the training loss of a network that
        has not converged, where ``bmd_status`` is not 0 bmd is.

    Raises
    ------
    ValueError
        For any argument out of range, files that cannot be read, or networks that do not fit the data or the
        memory; it names the argument, its value and the remedy. All are raised before any work.
    sweeps.StoreError, sweeps.ClusterError, sweeps.DeviceError
        As in ``sweeps.run``.

    Examples
    --------
    >>> from twinpeaks import networks
    >>> data = networks.run_networks(
    ...     training=networks.Training(epochs=20), n=50, width=[2, 4], seeds=2, laws=["binary"], samples=8
    ... )
    >>> dict(data.bmd.sizes)
    {'seed': 2, 'width': 2, 'output': 2}
    """
    starts = _starts(start)
    named = _laws(laws)
    views = _outputs(outputs)
    protocol = NetworkTraining(
        Digits() if data is None else data,
        TwoLayer() if network is None else network,
        Training() if training is None else training,
        starts,
        named,
        views,
        centre,
        samples,
        flips,
        variance_samples,
        _attacks(attacks),
    )
    axes: dict[str, Any] = {"n": n, "noise": noise, "weight_decay": weight_decay, "seed": seeds}
    axes |= {"start": _axis([name for name, _ in starts]), "width": width}
    if named:
        axes |= {"law": _axis([name for name, _ in named]), "output": _axis(list(views))}
    if protocol.attacks:
        axes["attack"] = _axis([name for name, _ in protocol.attacks])
    return sweeps.run(protocol, axes, read_resources(resources))


def _attacks(given: Any) -> tuple[tuple[str, Attack], ...]:
    found = {} if given is None else given
    if not isinstance(found, Mapping) or not all(isinstance(a, Attack) for a in found.values()):
        raise ValueError(
            f"attacks = {given!r}: give a dict of attacks by name, such as GradientAttack(0.1)"
        )
    return tuple(found.items())


def _axis(words: list[str]) -> Any:
    """One word is a scalar coordinate."""
    return words[0] if len(words) == 1 else words


def _starts(given: Any) -> tuple[tuple[str, InitialState], ...]:
    start = Fresh() if given is None else given
    found = dict(start) if isinstance(start, Mapping) else {repr(start): start}
    if not found or not all(isinstance(s, InitialState) for s in found.values()):
        raise ValueError(f"start = {given!r}: give one such as Fresh(), or a dict of them by name")
    return tuple(found.items())


def _laws(given: Any) -> tuple[tuple[str, InputLaw | None], ...]:
    if isinstance(given, Mapping):
        if wrong := [name for name, law in given.items() if not isinstance(law, InputLaw)]:
            raise ValueError(
                f"laws[{wrong[0]!r}] = {given[wrong[0]]!r}: give a law such as Binary(64)"
            )
        return tuple(given.items())
    names = (given,) if isinstance(given, str) else tuple(given)
    if wrong := [name for name in names if name not in LAWS]:
        raise ValueError(
            f"laws: {wrong[0]!r} is none of {', '.join(LAWS)}; give these, or a dict of laws by name"
        )
    return tuple((name, None) for name in names)


def _outputs(given: Any) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    wrong = [name for name in names if name not in OUTPUTS]
    if wrong or not names:
        raise ValueError(f"outputs = {given!r}: give some of {', '.join(OUTPUTS)}")
    return names
