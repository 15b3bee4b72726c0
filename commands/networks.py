"""Options of commands that draw finite networks: which, how measured, kept where and done by whom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from twinpeaks.commands.parameters import Device, Sizes, Workers

__all__ = ["network_options"]

_Command = Callable[..., Any]


def network_options(size: str, seeds: int) -> Callable[[_Command], _Command]:
    """Add sizes, seeds, device, threads, how much is measured, store and workers.

    Parameters
    ----------
    size, seeds
        Defaults of ``-D`` and ``--seeds``.
    """

    def count(name: str, least: int, default: int, text: str) -> Callable[[_Command], _Command]:
        kind = click.IntRange(min=least)
        return click.option(name, type=kind, default=default, help=text)

    options = (
        click.option(
            "-D",
            "--size",
            "D",
            type=Sizes(),
            default=size,
            help="Input size D, one or several: 60,120.",
        ),
        count("--seeds", 1, seeds, "Instances per point; validate needs at least 2."),
        click.option("--device", type=Device(), default="auto", help="auto, cpu, cuda or cuda:0."),
        count("--n-test", 1, 10_000, "Fresh patterns for the test error."),
        count(
            "--n-flip",
            2,
            64,
            "Inputs at which all D coordinates are flipped for the mean dimension.",
        ),
        count("--threads", 1, 1, "CPU threads of one instance."),
        click.option(
            "--store",
            type=click.Path(path_type=Path, dir_okay=False),
            help="SQLite file that keeps every finished instance: run again to resume, or run twice to "
            "share.",
        ),
        click.option(
            "--scheduler",
            type=Workers(),
            help="Dask: the address tcp://HOST:PORT of a scheduler, or a number of processes to start "
            "here.",
        ),
    )

    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add
