"""The points of the golden tables, a table a name.

Every loss, teacher, activation and feature law; temperatures from 0.1 to 1e4 and zero; the corners of
overparam 0.05 .. 100, alpha_T 0.1 .. 30, lam 1e-8 .. 1e2; and the neighbourhood of the thresholds, which are
overparam = 1 for the square loss and 0.2924 for losses of the margin (tanh, sign teacher, alpha_T = 3).
"""

from itertools import product

import theory as th

INF = float("inf")
# Eigenvalues of the covariance of tanh features, >= kappa_star^2 = 0.0274.
MEASURED = th.Spectrum((0.0289, 0.2089, 0.3889, 0.9289), (0.0, 0.02, 0.1, 0.3))


def grid(overparam, lam, alpha_T=(3.0,), beta=(INF,), **components):
    """The outer product of the axes for one problem."""
    problem = th.Problem(**components)
    return [
        (problem, {"overparam": o, "alpha_T": a, "lam": s, "beta": b})
        for b, a, s, o in product(beta, alpha_T, lam, overparam)
    ]


def corners(lam=(1e-8, 1e2), **components):
    """The eight corners of the range."""
    return grid((0.05, 100.0), lam, (0.1, 30.0), **components)


def mixed(loss, overparam=(0.5, 2.0), lam=(1e-3,), beta=(INF,)):
    """Other teachers, activations and laws."""
    variants = [
        *({"activation": a} for a in (th.ReLU(), th.Erf(), th.Identity())),
        *({"teacher": t} for t in (th.FlippedSign(0.1), th.Probit(0.3), th.Sign(rho=2.0))),
        *({"features": f} for f in (th.Orthogonal(), MEASURED)),
    ]
    return [p for v in variants for p in grid(overparam, lam, beta=beta, loss=loss, **v)]


# Corners of other activations at the thresholds and beyond.
SPREAD = {
    th.Square(): [
        (th.Tanh(), 0.999, 3.0, 1e-7),
        (th.ReLU(), 1.0, 20.0, 1e-7),
        (th.Erf(), 100.0, 20.0, 1e-7),
        (th.Erf(), 0.02, 0.3, 1e-7),
        (th.ReLU(), 100.0, 0.3, 1e2),
        (th.Tanh(), 0.02, 20.0, 1e2),
    ],
    th.Logistic(): [
        (th.Tanh(), 0.4, 3.0, 1e-7),
        (th.ReLU(), 1.0, 20.0, 1e-7),
        (th.Erf(), 100.0, 20.0, 1e-7),
        (th.ReLU(), 0.02, 0.3, 1e-7),
        (th.Tanh(), 100.0, 0.3, 1e2),
        (th.Erf(), 0.02, 20.0, 1e2),
    ],
}


def spread(loss):
    """The points of ``SPREAD``."""
    return [
        p for a, o, t, s in SPREAD[loss] for p in grid((o,), (s,), (t,), loss=loss, activation=a)
    ]


TABLES = {
    "square": [
        *grid((0.05, 0.5, 0.999, 1.0, 1.001, 2.0, 100.0), (1e-8, 1e-4, 1e-1)),
        *corners(),
        *spread(th.Square()),
        *mixed(th.Square(), (0.5, 1.0, 3.0)),
        *grid((0.5, 1.0, 3.0), (1e-3,), teacher=th.Linear(0.1)),
        *grid((0.5, 1.0, 3.0), (1e-3,), features=th.PowerLaw(0.3, 0.2)),
    ],
    "logistic": [
        *grid(
            (0.05, 0.25, 0.29, 0.2924, 0.295, 0.5, 1.0, 100.0),
            (1e-6, 1e-4, 1e-1),
            loss=th.Logistic(),
        ),
        *corners(loss=th.Logistic()),
        *spread(th.Logistic()),
        *mixed(th.Logistic()),
        *grid((0.5,), (1e-3,), features=th.PowerLaw(0.3, 0.2), loss=th.Logistic()),
    ],
    "hinge": [
        *grid((0.05, 0.28, 0.2924, 0.5, 1.0, 100.0), (1e-4, 1e-1), loss=th.Hinge()),
        # at lam = 100 the weights are too small for any pattern to reach the kink
        *corners((1e-8, 1e-2), loss=th.Hinge()),
        *mixed(th.Hinge(), (0.5,)),
    ],
    "squared_hinge": [
        *grid((0.05, 0.28, 0.2924, 0.5, 1.0, 100.0), (1e-4, 1e-1), loss=th.SquaredHinge()),
        *corners(loss=th.SquaredHinge()),
        *mixed(th.SquaredHinge(), (0.5,)),
    ],
    "exponential": [
        *grid((0.05, 0.2924, 0.5, 1.0, 100.0), (1e-4, 1e-1), loss=th.Exponential()),
        *mixed(th.Exponential(), (0.5,)),
    ],
    "warm_square": [
        *grid((0.5, 1.0, 3.0), (1e-2,), beta=(0.1, 10.0, 1e4)),
        *grid((1.0,), (1e-2,), beta=(0.1, 10.0, 1e4), teacher=th.Linear(0.1)),
    ],
    "warm_margin": [
        *grid((0.3, 1.0, 3.0), (1e-1,), beta=(0.1, 3.0, 100.0), loss=th.Hinge()),
        *grid((0.3, 1.0, 3.0), (1e-1,), beta=(0.1, 3.0, 100.0), loss=th.SquaredHinge()),
        *grid((0.5,), (1e-1,), beta=(1e4,), loss=th.Hinge()),
    ],
    "warm_zero_one": [
        *grid((0.3, 1.0, 3.0), (1e-1,), beta=(0.1, 1.0, 3.0), loss=th.ZeroOne()),
        *mixed(th.ZeroOne(), (0.5,), (1e-1,), (2.0,)),
    ],
    "warm_logistic": [
        *grid((0.3, 1.0, 3.0), (1e-1,), beta=(1.0, 10.0, 0.1, 100.0), loss=th.Logistic()),
        *grid((0.5,), (1e-1,), beta=(1e4,), loss=th.Logistic()),
        *grid((0.5, 2.0), (1e-1,), beta=(1.0, 10.0), loss=th.Exponential()),
    ],
}
