"""Training in time: the test error falls and rises, and the mean dimension rises with it.

Run with ``python examples/training_time.py``; it writes training_time.png, theory beside networks.
"""

import matplotlib.pyplot as plt
import numpy as np

import twinpeaks as tp

problem, at = tp.Problem(), {"overparam": [0.5, 1.0, 3.0], "alpha_T": 3.0}
flow = tp.solve_flow(problem, time=np.geomspace(1e-2, 1e6, 200), **at)
run = tp.run_flow(problem, [1.0, 10.0, 100.0, 1e3], **at, D=80, seeds=8)
best = tp.best_stopping(problem, **at)
for point in best.overparam.values:
    there = best.sel(overparam=point)
    print(f"N/P = {point:g}: best time {float(there.time):.3f}", end="")
    print(f", test error {float(there.test_error):.4f}", end="")
    print(f", of the best ridge {float(there.ridge_value):.4f}")

picture, axes = plt.subplots(1, 2, figsize=(8, 3.5), layout="constrained")
for variable, ax in zip(("test_error", "bmd"), axes, strict=True):
    for point in flow.overparam.values:
        (line,) = ax.semilogx(
            flow.time, flow[variable].sel(overparam=point), label=f"N/P = {point:g}"
        )
        ax.plot(
            run.time, run[variable].sel(overparam=point).mean("seed"), "o", color=line.get_color()
        )
    ax.set(xlabel="training time", ylabel=flow[variable].long_name)
axes[0].legend()
picture.savefig("training_time.png", dpi=150)
print("picture: training_time.png")
