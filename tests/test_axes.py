"""One reader of axes: what it takes, what it makes of it, and one sentence for everything else."""

import datetime
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from twinpeaks import theory
from twinpeaks.theory.axes import check_count, check_number, read_axes, read_axis, read_range
from twinpeaks.theory.family import read_family, text
from twinpeaks.theory.names import AXES, NAMES, attributes


def along(dim, values, **coords):
    return xr.DataArray(values, coords, dims=dim)


@pytest.mark.parametrize(
    "given",
    [
        [0.5, 1, 2],
        (0.5, 1.0, 2.0),
        np.array([0.5, 1.0, 2.0], dtype=np.float32),
        pd.Series([0.5, 1.0, 2.0], index=list("abc")),
        np.ma.array([0.5, 1.0, 2.0], mask=False),
    ],
    ids=lambda g: type(g).__name__,
)
def test_sequences_become_a_dimension_of_their_own(given):
    axis = read_axis("lam", given)
    assert axis.dim == "lam"
    assert axis.values.dtype == np.float64
    assert axis.values.tolist() == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("given", [2, 2.0, np.float32(2), np.array(2), along((), 2.0)], ids=repr)
def test_numbers_become_scalar_coordinates(given):
    axis = read_axis("lam", given)
    assert axis.dim is None
    assert float(axis.values) == 2.0


BAD = {
    "complex": 0.1 + 1j,
    "complex array": np.array([0.1 + 0j]),
    "date": np.datetime64("2020"),
    "datetime": datetime.date(2020, 1, 1),
    "duration": np.timedelta64(3, "s"),
    "masked": np.ma.masked_less([0.01, 0.1], 0.05),
    "masked item": [0.1, np.ma.masked],
    "text": "0.1",
    "texts": ["0.1"],
    "bytes": b"1",
    "truth": True,
    "truths": np.array([True]),
    "hidden truth": [0.5, True],
    "hidden numpy truth": [0.5, np.True_],
    "none": None,
    "objects": np.array([0.1, None]),
    "fraction": Fraction(1, 2),
    "set": {0.1},
    "mapping": {"a": 0.1},
    "generator": (x for x in [0.1]),
    "ragged": [[0.1], [0.1, 0.2]],
    "two dimensions": [[0.1, 0.2]],
    "DataArray of two dimensions": along(("a", "b"), [[0.1, 0.2]]),
    "DataArray of texts": along("a", ["x"]),
    "empty": [],
    "nan": [0.1, np.nan],
    "negative": [0.1, -1.0],
    "huge integer": -(10**400),
    "twice": [0.1, 0.2, 0.1],
    "twice in a list of numbers": [1, 1],
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("name", AXES)
def test_anything_else_is_refused_in_one_sentence(name, bad):
    with pytest.raises(ValueError, match=rf"^[^\n]*{name}[^\n]*: give [^\n]*$|^{name} has [^\n]*$"):
        read_axes(read_axis(name, bad))


def test_tensors_that_need_a_gradient_are_refused():
    torch = pytest.importorskip("torch")
    assert read_axis("lam", torch.tensor([0.1, 0.2])).dim == "lam"
    with pytest.raises(ValueError, match="lam = tensor"):
        read_axis("lam", torch.tensor([0.1], requires_grad=True))


@pytest.mark.parametrize(
    ("interval", "good", "bad"),
    [
        ("(0, inf)", [1e-300, 1e300], [0.0, np.inf, -0.0]),
        ("[0, inf]", [0.0, np.inf], [-1e-300, -np.inf]),
        ("[-1, 1]", [-1.0, 1.0], [1.0 + 1e-15]),
        ("(-1, 1)", [0.999], [-1.0, 1.0]),
    ],
)
def test_intervals_admit_what_they_say(interval, good, bad):
    assert read_axis("x", good, interval).values.tolist() == good
    for value in bad:
        with pytest.raises(ValueError, match="give numbers in"):
            read_axis("x", [*good, value], interval)


def test_dimensions_are_those_that_arrays_name():
    """A path lies on one dimension; order of dimensions is that of their first axis."""
    axes = read_axes(
        read_axis("overparam", along("a", [4.0, 1.0, 2.0], a=[10, 20, 30])),
        read_axis("lam", [0.1, 0.2]),
        read_axis("alpha_T", along("a", [1.0, 4.0, 2.0])),
        read_axis("beta", 3.0),
    )
    assert axes.sizes == {"a": 3, "lam": 2}
    points = xr.Dataset(coords=axes.coords)
    assert points.overparam.dims == points.alpha_T.dims == ("a",)
    assert points.a.values.tolist() == [10, 20, 30]
    expected = xr.broadcast(points.overparam, points.lam)
    assert axes.flat("overparam").tolist() == expected[0].values.ravel().tolist()
    assert axes.flat("lam").tolist() == expected[1].values.ravel().tolist()
    assert axes.flat("beta").tolist() == [3.0] * 6


def test_a_dimension_named_after_an_axis_is_that_axis():
    """Optimal penalties over N/P, as ``optimal_lam`` returns them, are a path over N/P."""
    best = along("overparam", [0.1, 0.3], overparam=[1.0, 2.0])
    axes = read_axes(read_axis("overparam", [1.0, 2.0]), read_axis("lam", best))
    assert axes.sizes == {"overparam": 2}
    xr.Dataset(coords=axes.coords)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"overparam": 1.0, "lam": along("overparam", [0.1, 1.0])}, "lam has the dimension 'over"),
        ({"overparam": [1.0], "lam": along("overparam", [0.1, 1.0])}, "values, of which lam has 2"),
        (
            {"overparam": [1.0, 3.0], "lam": along("overparam", [0.1, 1.0], overparam=[1.0, 2.0])},
            "coordinate 'overparam' differs",
        ),
        (
            {
                "overparam": along("a", [1.0, 2.0], a=[0, 1]),
                "lam": along("a", [1.0, 2.0], a=[0, 2]),
            },
            "coordinate 'a' differs",
        ),
        ({"overparam": along("beta", [1.0, 2.0]), "lam": 1.0}, "the name of another axis"),
        ({"overparam": along("bmd", [1.0, 2.0]), "lam": 1.0}, "the name of a variable of results"),
    ],
)
def test_dimensions_that_clash_are_refused(given, words):
    axes = (read_axis(name, value) for name, value in given.items())
    with pytest.raises(ValueError, match=words):
        read_axes(*axes, reserved=("beta",))


def test_blocks_are_a_partition_in_the_order_of_travel():
    axes = read_axes(
        read_axis("overparam", [2.0, np.inf, 1.0]),
        read_axis("alpha_T", along("a", [3.0, 1.0, 2.0])),
        read_axis("lam", along("a", [0.0, 1.0, 2.0])),
    )
    kinds = {"overparam": axes["overparam"].values == np.inf, "lam": axes["lam"].values == 0}
    found = list(axes.blocks(kinds))
    assert [tuple(p.tolist() for p in part.values()) for part in found] == [
        ([2, 0], [1, 2]),
        ([2, 0], [0]),
        ([1], [1, 2]),
        ([1], [0]),
    ]
    assert sorted(i for part in found for i in axes.index(part)) == list(range(9))
    smooth = {"alpha_T": np.log([3.0, 1.0, 2.0]), "lam": np.array([0.0, 0.0, 0.4])}
    along_a = axes.coordinates(found[0], smooth)[1]
    assert along_a == pytest.approx([0.0, np.hypot(np.log(2), 0.4)])


def test_counts_numbers_and_ranges():
    assert check_count("n", np.int32(3), 2) == 3
    assert check_number("x", 0.5, "(0, 1)") == 0.5
    assert read_range("between", (1, 2.0)) == (1.0, 2.0)
    for bad in (1, True, 2.5, "3", None):
        with pytest.raises(ValueError, match=r"n = .*: give an integer >= 2"):
            check_count("n", bad, 2)
    for bad in (1.0, True, [0.5], "0.5", np.nan, 0.5j):
        with pytest.raises(ValueError, match=r"x = .*: give .*number"):
            check_number("x", bad, "(0, 1)")
    for bad in (1.0, (2.0, 1.0), (1.0, 1.0), (0.0, 1.0), (1.0, np.inf), (1, 2, 3), "12", None):
        with pytest.raises(ValueError, match="between = "):
            read_range("between", bad)


def test_every_name_has_a_definition_and_dimension_1():
    for name, row in NAMES.items():
        assert row.long_name, name
        assert row.definition, name
        assert attributes(name)["units"] == "1", name


# --- numbers of components


FLIPPED = theory.Problem(teacher=theory.FlippedSign())


def test_the_text_of_a_family_names_what_varies():
    family = read_family(FLIPPED, {"teacher.flip": [0.0, 0.2]})
    assert "FlippedSign(flip=<flip>, rho=1.0)" in family.text
    assert family.text.replace("<flip>", "0.1") == repr(FLIPPED)
    assert family.member({"flip": 0.2}) == FLIPPED.replace(teacher=theory.FlippedSign(flip=0.2))
    assert text(FLIPPED, {}) == repr(FLIPPED)


def test_names_that_clash_carry_their_component():
    problem = theory.Problem(teacher=theory.CustomTeacher(lambda nu: 0.5 + 0.4 * np.tanh(nu)))
    assert [a.name for a in read_family(problem, {"teacher.rho": 2.0}).axes] == ["rho"]
    assert [a.name for a in read_family(problem, {"teacher.rho": 2.0}, ("rho",)).axes] == [
        "teacher_rho"
    ]


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        ({"teacher.flip": 0.7}, r"vary: teacher\.flip = 0\.7: flip = 0\.7: give"),
        ({"teacher.flip": [0.1, -0.1]}, r"vary: teacher\.flip = -0\.1"),
        ({"teacher.rho": 0.0, "teacher.flip": [0.1, 0.2]}, r"rho = 0"),
        (
            {"teacher.noise": 0.1},
            r"'teacher.noise' is no number of teacher .* give one of flip, rho",
        ),
        ({"loss.rho": 0.1}, r"'loss.rho' is no number of loss = Square\(\); it has none"),
        ({"student.flip": 0.1}, "one of activation, teacher, loss, features"),
        ({"flip": 0.1}, "give component.field"),
        ({3: 0.1}, "give component.field"),
        ({"teacher.flip": "0.1"}, r"vary\['teacher.flip'\] = '0.1': give a number"),
        ({"teacher.flip": []}, r"vary\['teacher.flip'\] is empty"),
        (["teacher.flip"], "give a dictionary such as"),
    ],
)
def test_members_that_there_are_not_are_refused(vary, words):
    with pytest.raises(ValueError, match=words):
        read_family(FLIPPED, vary)
