"""Teachers: label noise in classification and in regression, beside the Bayes-optimal error.

Run with ``python examples/teachers.py``; it writes teachers.png. Dotted lines are the error of the
best possible learner from the same number of patterns: no curve may cross below its own.
"""

import numpy as np
from matplotlib.figure import Figure

import twinpeaks as tp
from twinpeaks import figures
from twinpeaks.figures.style import colours

ratios = np.geomspace(0.05, 20, 61)
panels = {
    "flipped labels, logistic loss": [
        (f"flip = {flip:g}", tp.Problem(loss=tp.Logistic(), teacher=tp.FlippedSign(flip=flip)))
        for flip in (0.02, 0.1, 0.2)
    ],
    "noise before the sign, hinge loss": [
        (f"noise = {noise:g}", tp.Problem(loss=tp.Hinge(), teacher=tp.Probit(noise=noise)))
        for noise in (0.05, 0.3, 1.0)
    ],
    "regression, square loss": [
        (f"noise = {noise:g}", tp.Problem(teacher=tp.Linear(noise=noise)))
        for noise in (0.05, 0.3, 1.0)
    ],
}

with figures.article():
    picture = Figure(figsize=(7.0, 2.8), layout="constrained")
    for ax, (title, problems) in zip(picture.subplots(1, 3), panels.items(), strict=True):
        print(title)
        for (label, problem), colour in zip(problems, colours(3), strict=True):
            curve = tp.solve(problem, overparam=ratios, alpha_T=3.0, lam=0.1)
            best = float(tp.bayes_error(problem, 3.0))
            ax.semilogx(ratios, curve.test_error, color=colour, label=label)
            ax.axhline(best, color=colour, linestyle=":")
            least = float(curve.test_error.min())
            print(f"  {label:<13} least test error {least:.4f}, Bayes-optimal {best:.4f}")
            if least < best:
                raise SystemExit("a curve beats the Bayes-optimal learner")
        ax.plot([], [], ":", color="0.3", label="Bayes-optimal")
        error = "mean squared test error" if title.startswith("regression") else "test error"
        ax.set(title=title, xlabel="overparameterisation $N/P$", ylabel=error)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.legend(loc="upper right", fontsize=7, labelspacing=0.2)

print("picture:", *figures.save(picture, "teachers.png"))
