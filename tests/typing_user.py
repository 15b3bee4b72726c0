"""What mypy must know of ``import twinpeaks as tp``: ``make check`` reads this file, nothing runs it."""

from typing import assert_type

import xarray as xr

import twinpeaks as tp

problem = tp.Problem(loss=tp.Logistic(), teacher=tp.FlippedSign(flip=0.1))
curve = tp.solve(problem, overparam=[0.5, 1.0], alpha_T=3.0, lam=1e-4)
assert_type(curve, xr.Dataset)
assert_type(curve["test_error"].mean(), xr.DataArray)
assert_type(tp.run(problem, overparam=0.5, D=20, seeds=2), xr.Dataset)
assert_type(tp.compare(curve, curve), xr.Dataset)
assert_type(tp.__version__, str)
tp.slove(problem)  # type: ignore[attr-defined]
tp.theory.slove(problem)  # type: ignore[attr-defined]
tp.solve(problem, overparm=1.0)  # type: ignore[call-arg]
tp.Problem(loss="logistic")  # type: ignore[arg-type]

sphere = tp.sphere.Problem(d=3, kernel=tp.sphere.NTK(), target=tp.sphere.Constant())
assert_type(tp.sphere.solve(sphere, n=10), xr.Dataset)
assert_type(tp.sphere.run(sphere, n=10), xr.Dataset)
tp.sphere.slove(sphere, n=10)  # type: ignore[attr-defined]
