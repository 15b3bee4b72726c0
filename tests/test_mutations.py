"""A theory of which one coefficient is off by 1 % does not pass.

Every coefficient is changed in turn, up and down, the theory is solved again, and the verdict on stored
simulations (tests/data, made by make_mutations.py there) must change from agreement to disagreement.
Free energy, entropy and replicon are not measured on networks, so that what enters them alone
(<ln R>, potential, stiffness) is guarded by the tests of the free entropy.
"""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from data.make_mutations import BLOCKS, CASES
from mutations import MUTATIONS, changed

from twinpeaks import validate

DATA = Path(__file__).parent / "data"
LEVEL = 1e-3


@pytest.fixture(scope="module")
def networks():
    return {name: xr.load_dataset(DATA / f"{name}.nc") for name in CASES}


def verdicts(networks, monkeypatch, mutation=None, factor=1.0):
    """One by one; the level holds for all of them together. Without temperature, no beta matters."""
    for name, case in CASES.items():
        at = {"beta": np.inf, **case.axes}
        own = None if mutation == "beta" and "beta" not in case.axes else mutation
        curve = changed(case.problem, at, own, factor, monkeypatch)
        slow = ("bmd",) if case.problem.activation.kinks else ()
        comparison = validate.compare(curve, networks[name])
        yield validate.agrees(validate.summarise(comparison, slow=slow), LEVEL / len(CASES))


def test_the_data_are_those_of_the_design(networks):
    """No block is missing: the number was not decided by what the data said."""
    for name, case in CASES.items():
        data = networks[name]
        assert data.seed.values.tolist() == list(range(BLOCKS))
        assert data.attrs["instances_per_block"] == case.block
        assert data.D.values.tolist() == list(case.D)


def test_the_right_theory_agrees(networks, monkeypatch):
    for name, found in zip(CASES, verdicts(networks, monkeypatch), strict=True):
        assert found, (name, found.rejected)


@pytest.mark.parametrize("factor", [1.01, pytest.param(0.99, marks=pytest.mark.slow)])
@pytest.mark.parametrize("mutation", sorted(MUTATIONS))
def test_a_changed_coefficient_is_noticed(mutation, factor, networks, monkeypatch):
    assert any(found.rejected for found in verdicts(networks, monkeypatch, mutation, factor))


def test_patches_are_undone(networks, monkeypatch):
    """Otherwise every later case would be of a theory that is wrong twice."""
    before = [found.p_value for found in verdicts(networks, monkeypatch)]
    case = CASES["square_clean"]
    for mutation in MUTATIONS:
        changed(case.problem, {"beta": np.inf, **case.axes}, mutation, 1.01, monkeypatch)
    assert [found.p_value for found in verdicts(networks, monkeypatch)] == before
