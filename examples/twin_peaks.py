"""Double descent and the mean-dimension peak, in theory and in 16 trained networks per point.

Run with ``python examples/twin_peaks.py``; it prints z-scores and writes twin_peaks.png and .pdf.
"""

import numpy as np

import twinpeaks as tp

problem = tp.Problem(loss=tp.Square(), activation=tp.Tanh())
ratios = [0.2, 0.4, 0.8, 1.0, 1.2, 2.0, 4.0]
ridge = [1e-4, 0.1]

fine = np.union1d(np.geomspace(0.05, 20, 200).round(6), ratios)
curve = tp.solve(problem, overparam=fine, alpha_T=3.0, lam=ridge)
run = tp.run(problem, overparam=ratios, alpha_T=3.0, lam=ridge, D=[50, 100], seeds=16)

summary = tp.summarise(tp.compare(curve, run))
print(tp.table(summary))
print(tp.agrees(summary).sentence)
tp.save(tp.twin_peaks(curve, run, problem=problem), "twin_peaks")
