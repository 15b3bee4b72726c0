"""Tests that train networks are left out where torch is not installed."""

import re
from importlib.util import find_spec

import pytest

TORCH = find_spec("torch") is not None
TRAINS = re.compile(
    r"^(from|import) (torch|twinpeaks\.(measure|networks|simulate|sweeps|validate\.suites))\b"
    r"|^from twinpeaks import .*\b(measure|networks|simulate|sweeps)\b",
    re.MULTILINE,
)


def trains(path):
    """Whether a module of tests imports what needs torch."""
    return path.suffix == ".py" and TRAINS.search(path.read_text("utf-8")) is not None


def pytest_ignore_collect(collection_path):
    return True if not TORCH and trains(collection_path) else None


def pytest_collection_modifyitems(items):
    for item in items:
        if trains(item.path):
            item.add_marker("torch")
        if not TORCH and item.get_closest_marker("torch"):
            item.add_marker(pytest.mark.skip("needs torch"))
