"""Mean dimension of regression forests: how much of a prediction is made of inputs that act together.

Run with ``python examples/forest.py`` (it needs ``pip install 'twinpeaks[data]'``); it writes forest.png.
Every input is resampled from its own column of the data, independently of the others. A linear model has
mean dimension 1, as has a forest of depth 1, and one of depth k has at most k.
"""

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

import twinpeaks as tp
from twinpeaks import figures
from twinpeaks.figures.style import colours

data = load_diabetes()
x, x_test, y, y_test = train_test_split(data.data, data.target, random_state=0)
law = tp.Marginals(x)

models = {"ridge": Ridge(1e-3)}
for depth in (1, 2, 4, None):
    label = f"forest, depth {depth}" if depth else "forest, grown"
    models[label] = RandomForestRegressor(100, max_depth=depth, random_state=0)
models["boosting, depth 3"] = GradientBoostingRegressor(max_depth=3, random_state=0)

print(f"{'model':<20}{'R^2 on test data':>18}{'mean dimension':>20}")
for name, model in models.items():
    found = tp.mean_dimension(model.fit(x, y), law=law, samples=2000, flips=5, random=0)
    shown = f"{found.value:.3f} +- {found.standard_error:.3f}"
    print(f"{name:<20}{model.score(x_test, y_test):>18.3f}{shown:>20}")

grown = models["forest, grown"]
total = tp.influences(grown, law=law, samples=400, random=1)
alone = tp.first_order(grown, law=law, samples=4000, random=2)
points = law.draw(np.random.default_rng(3), 20_000).x
variance = grown.predict(points).var()  # under the law, not on the data
print("\nshares of Var f in the grown forest, of each input in any company and by itself")
order = np.argsort(-total.value)
for k in order:
    shares = (total.value[k] / variance, alone.value[k] / variance)
    errors = (total.standard_error[k] / variance, alone.standard_error[k] / variance)
    row = "".join(f"{s:>10.3f} +- {e:.3f}" for s, e in zip(shares, errors, strict=True))
    print(f"{data.feature_names[k]:<6}{row}")

with figures.article():
    picture = Figure(figsize=(3.4, 2.6), layout="constrained")
    ax = picture.subplots()
    for shift, found, colour, label in (
        (-0.2, total, colours(2)[0], "in any company"),
        (0.2, alone, colours(2)[1], "by itself"),
    ):
        share, error = found.value[order] / variance, found.standard_error[order] / variance
        places = np.arange(len(order)) + shift
        ax.bar(places, share, 0.4, yerr=error, color=colour, label=label, error_kw={"lw": 0.8})
    ax.set_xticks(range(len(order)), [data.feature_names[k] for k in order])
    ax.set(xlabel="input", ylabel=r"share of ${\rm Var} f$")
    ax.legend()
print("picture:", *figures.save(picture, "forest.png"))
