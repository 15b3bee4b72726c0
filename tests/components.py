"""Every component that the package finds, for the contract tests."""

import inspect

import numpy as np

from twinpeaks import theory

MOMENTS = theory.HermiteMoments(kappa_0=0.0, kappa_1=0.6, kappa_star=0.17, dkappa_star=0.4)


class NumpyRandom:
    """The Random protocol over a numpy generator."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def normal(self, *shape):
        return self.rng.standard_normal(shape)

    def uniform(self, *shape):
        return self.rng.random(shape)


def _ready(family, bases):
    """Instances of every concrete class of a family that needs no argument."""
    found = []
    for _, cls in inspect.getmembers(theory, inspect.isclass):
        if not issubclass(cls, family) or cls in bases:
            continue
        required = [
            p
            for p in inspect.signature(cls).parameters.values()
            if p.default is inspect.Parameter.empty
        ]
        if not required:
            found.append(cls())
    return found


def softplus_squared(s):
    """A smooth convex loss that the package does not have."""
    return np.logaddexp(0.0, 1.0 - s) ** 2 / 2


def steps(nu):
    """A link with two jumps and a slope."""
    return np.where(nu < -0.5, 0.1, np.where(nu < 0.8, 0.4 + 0.2 * np.tanh(nu), 0.95))


ACTIVATIONS = [
    *_ready(theory.Activation, {theory.Activation}),
    theory.Custom(lambda x: np.where(x > 0.5, x - 0.5, 0.1 * np.tanh(x) - 0.05), name="bent"),
]
LOSSES = [
    *_ready(theory.Loss, {theory.Loss, theory.MarginLoss, theory.DifferenceLoss}),
    theory.CustomLoss(softplus_squared),
    theory.CustomLoss(lambda e: np.sqrt(1 + e * e) - 1, of="difference", name="pseudo_huber"),
]
BINARY = [
    *_ready(theory.BinaryTeacher, {theory.BinaryTeacher}),
    theory.CustomTeacher(steps, rho=0.7),
]
REAL = [
    *_ready(theory.RealTeacher, {theory.RealTeacher}),
    theory.CustomLink(lambda nu: np.tanh(2 * nu) + 0.1 * nu**2, label_noise=0.2, name="bend"),
]
SIMPLE_LAWS = _ready(theory.FeatureLaw, {theory.FeatureLaw, theory.PopulationLaw})
LAWS = [
    *SIMPLE_LAWS,
    theory.Deep(widths=(0.6, 1.7)),
    theory.PowerLaw(exponent=0.3, teacher_exponent=0.2),
    theory.Spectrum((0.0289, 0.2089, 0.3889, 0.9289), (0.0, 0.02, 0.1, 0.2)),
]
