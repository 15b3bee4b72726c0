"""What the simulator refuses, and what it may import."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch

from twinpeaks import simulate, theory
from twinpeaks.simulate.trainers.newton import newton_path

SMALL = {"D": 20, "seeds": 2, "n_test": 300, "n_flip": 4, "n_variance": 200}


def small(loss=None, **changes):
    problem = theory.Problem(loss=loss or theory.Square())
    return simulate.run(problem, **({"overparam": 1.5} | SMALL | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"overparam": 0.0}, r"overparam = 0: give numbers in \(0, inf\)"),
        ({"overparam": []}, "overparam is empty: give"),
        ({"overparam": [[1.0]]}, "overparam has shape .*1-d sequence"),
        ({"overparam": "1"}, "overparam = '1': give a number"),
        ({"overparam": True}, "overparam = True: give a number"),
        ({"overparam": [1.0, 2.0, 1.0]}, "overparam = 1 appears twice"),
        ({"overparam": 1e-4}, "overparam = 0.0001 with P = 60 rounds to N = 0.*raise"),
        ({"alpha_T": np.inf}, "alpha_T = inf: give"),
        ({"alpha_T": 0.01}, "alpha_T = 0.01 with D = 20 rounds to P = 0.*raise"),
        ({"lam": [1.0, 0.0]}, "lam = 0: give"),
        ({"lam": -1e-3}, "lam = -0.001: give"),
        ({"lam": np.nan}, "lam = nan: give"),
        ({"D": 20.5}, "D = 20.5: give whole numbers"),
        ({"overparam": 1e308}, r"overparam = 1e\+308 with D = 20 needs more than 2\*\*53 features"),
        ({"alpha_T": 1e308}, r"alpha_T = 1e\+308 with D = 20 needs more than 2\*\*53 patterns"),
        ({"alpha_T": 10**400}, "alpha_T = inf: give numbers"),
        ({"D": 1e19}, r"D = 1e\+19: give numbers in \[1, 9007199254740992\]"),
        ({"D": 2**63}, r"D = 9.22337e\+18: give numbers in"),
        ({"D": [20, 10**30]}, r"D = 1e\+30: give numbers in"),
        ({"D": [20, 20]}, "D = 20 appears twice"),
        ({"seeds": 0}, "seeds = 0: give an integer >= 1"),
        ({"seeds": 1.5}, "seeds = 1.5: give an integer"),
        ({"seeds": [1, 1]}, "seeds = 1 appears twice"),
        ({"seeds": [-1]}, r"seeds = \[-1\]: give integers >= 0"),
        ({"seeds": []}, r"seeds = \[\]: give"),
        ({"n_test": 0}, "n_test = 0: give an integer >= 1"),
        ({"n_flip": 1}, "n_flip = 1: give an integer >= 2"),
        ({"n_variance": 2.0}, "n_variance = 2.0: give an integer"),
        ({"tolerance": 0.0}, "tolerance = 0.0: give"),
        ({"memory": 0}, "memory = 0: give"),
        ({"device": "gpu"}, "device = 'gpu': give 'auto'"),
        ({"device": "cuda:99"}, "device = 'cuda:99': torch sees"),
        ({"progress": 3}, "progress = 3: give"),
        ({"D": 10**6}, "D = 1000000, N = 4500000, P = 3000000 need .* bytes .*are available"),
    ],
)
def test_wrong_arguments_name_themselves_before_any_work(changes, words, monkeypatch):
    def no_work(*args):
        raise AssertionError("work was done")

    monkeypatch.setattr("twinpeaks.sweeps.execute._perform", no_work)
    with pytest.raises(ValueError, match=words):
        small(**changes)


def test_a_problem_is_needed_and_unknown_words_are_refused():
    with pytest.raises(ValueError, match="problem = 'square': give an instance"):
        simulate.run("square", 1.0)
    with pytest.raises(TypeError, match="n_tests"):
        small(n_tests=5)


def test_a_penalty_given_twice_is_solved_twice():
    """Where warnings are errors."""
    rng = np.random.default_rng(0)
    X, y = torch.tensor(rng.normal(size=(40, 15))), torch.tensor(rng.choice([-1.0, 1.0], size=40))
    path = np.array([1.0, 0.1, 1e-3])
    # the last is as far from the one before as floats can be told apart
    again = np.array([1e-3, 1.0, 0.1, 0.1, 1e-3, 0.1, np.nextafter(1e-3, 0)])
    once = newton_path(theory.Logistic(), X[None], y[None], path)[0]
    twice = newton_path(theory.Logistic(), X[None], y[None], again)[0]
    torch.testing.assert_close(twice, once[:, [2, 0, 1, 1, 2, 1, 2]], rtol=1e-9, atol=1e-12)


def test_simulate_borrows_no_formula_from_theory():
    allowed = {
        "problem",
        "activations",
        "teachers",
        "losses",
        "feature_laws",
        "starts",
    }  # what a Problem is
    for file in Path(simulate.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.split(".")[0] == "theory":
                    assert [*name.split("."), ""][1] in allowed, (file, name)
