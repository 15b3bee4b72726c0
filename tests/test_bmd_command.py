"""``twinpeaks bmd``: what the library returns, from a file, in one table; refusals in one sentence."""

import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from twinpeaks import measure
from twinpeaks.commands import cli

torch = pytest.importorskip("torch")
nn = torch.nn


def call(*args):
    return CliRunner().invoke(cli, ["bmd", *map(str, args)])


def refused(done, words, code=2):
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert words in done.stderr, done.stderr


def product():
    """x_0 x_1 + x_7 / 2 of points of 3 x 3: mean dimension (2 + 1/4) / (5/4) on the hypercube."""

    class Product(nn.Module):
        def forward(self, x):
            flat = x.reshape(x.shape[0], -1)
            return flat[:, 0] * flat[:, 1] + flat[:, 7] / 2

    return Product()


def classifier():
    torch.manual_seed(0)  # of the initial weights
    return nn.Sequential(nn.Flatten(), nn.Linear(9, 12), nn.ReLU(), nn.Linear(12, 3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made, x = tmp_path_factory.mktemp("models"), torch.zeros(4, 1, 3, 3)
    axes = ({0: torch.export.Dim.AUTO},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, module in (("product", product()), ("classifier", classifier())):
            program = torch.export.export(module.eval(), (x,), dynamic_shapes=axes)
            torch.export.save(program, made / f"{name}.pt2")
            torch.jit.trace(module, x).save(made / f"{name}.pt")
    data = np.random.default_rng(0).integers(0, 3, (40, 9)).astype(float)
    data[:, 4] = 1.0  # never varies
    np.save(made / "x.npy", data)
    np.savez(made / "x.npz", data)
    np.savez(made / "two.npz", data, data)
    np.save(made / "objects.npy", np.array([{}, "a"], dtype=object), allow_pickle=True)
    np.save(made / "flat.npy", np.arange(4.0))
    np.save(made / "other.npy", np.ones((5, 8)))
    (made / "text.npy").write_text("no array")
    return made


def number(line):
    value, _, error = line.split()[-3:]
    return float(value), float(error)


@pytest.mark.parametrize("args", [["product.pt2"], ["product.pt", "--shape", "1,3,3"]])
def test_value_and_influences_of_a_product(args, folder):
    done = call(folder / args[0], *args[1:], "--rtol", "0.003")
    assert (done.exit_code, done.stderr) == (0, "")
    first, law, inputs, _, _, *rows = done.stdout.splitlines()
    value, error = number(first)
    assert 0 < error <= 0.003 * value
    assert abs(value - 1.8) < 5 * error
    assert law.split() == ["law", "binary"]
    assert inputs.endswith("9, in points of shape (1, 3, 3)")
    assert [row[:6] for row in rows[:3]] == ["(0, 0)", "(0, 1)", "(2, 1)"]
    assert [float(row.split()[-1].rstrip("%")) for row in rows[:4]] == [44.4, 44.4, 11.1, 0.0]


def test_the_file_holds_what_the_library_returns(folder, tmp_path):
    views, more = ["logits", "softmax"], ["--samples", 60, "--flips", 4, "--seed", 5]
    args = ["--law", "marginals", "--data", folder / "x.npz", "--views", ",".join(views), *more]
    done = call(folder / "classifier.pt2", *args, "--outputs", "each", "-o", tmp_path / "a.nc")
    assert done.exit_code == 0, done.output
    assert len([line for line in done.stdout.splitlines() if "output" in line]) == 6
    held = xr.load_dataset(tmp_path / "a.nc")
    law = measure.Marginals(np.load(folder / "x.npy").reshape(-1, 1, 3, 3))
    module = classifier().eval()
    found = measure.mean_dimension(
        module, law=law, samples=60, flips=4, random=5, views=views, outputs="each"
    )
    maps = measure.influences(module, law=law, samples=60, random=5, views=views, outputs="each")
    assert held.influence.dims == ("view", "output", "channel", "row", "column")
    for view in views:
        at = held.sel(view=view)
        np.testing.assert_allclose(at.mean_dimension, found[view].value, rtol=1e-4)
        np.testing.assert_allclose(at.mean_dimension_se, found[view].standard_error, rtol=1e-2)
        np.testing.assert_allclose(at.influence, maps[view].value, rtol=1e-4, atol=1e-9)
    assert not held.influence.sel(row=1, column=1).any()  # it never varies
    assert held.attrs["law"] == "marginals"
    assert held.mean_dimension.attrs["definition"] == "sum_k T_k / Var f"


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("uniform:low=0,high=2", measure.Uniform(0.0, 2.0, (1, 3, 3))),
        ("normal:std=0.5", measure.Normal(0.0, 0.5, (1, 3, 3))),
    ],
)
def test_laws_by_their_names(text, law, folder):
    done = call(folder / "classifier.pt2", "--law", text, "--samples", 400)
    found = measure.mean_dimension(classifier(), law=law, samples=400, random=0)
    value, error = number(done.stdout.splitlines()[0])
    assert value == pytest.approx(found.value, abs=error)
    assert found.value > 1


def test_a_forest_in_onnx(tmp_path):
    """A tree written by hand, sign(x_0) sign(x_1): mean dimension 2."""
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [
            helper.make_node("Sign", ["x"], ["s"]),
            helper.make_node("ReduceProd", ["s"], ["y"], axes=[1], keepdims=1),
        ],
        "g",
        [helper.make_tensor_value_info("x", kinds.FLOAT, ["batch", 2])],
        [helper.make_tensor_value_info("y", kinds.FLOAT, ["batch", 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "a.onnx")
    done = call(tmp_path / "a.onnx", "--law", "normal", "--samples", 4000)
    value, error = number(done.stdout.splitlines()[0])
    assert abs(value - 2) < 5 * error < 0.2


def test_onnx_without_its_runtime_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr("twinpeaks.extras.find_spec", lambda name: None)
    (tmp_path / "a.onnx").touch()
    refused(call(tmp_path / "a.onnx"), "pip install 'twinpeaks[onnx]'", 1)


def test_a_result_that_cannot_be_trusted_is_exit_code_1(folder, tmp_path):
    done = call(folder / "product.pt2", "--limit", 900, "--rtol", 1e-4, "-o", tmp_path / "a.nc")
    assert done.exit_code == 1
    assert "nan" in done.stdout
    assert done.stderr == (
        "failed: logits: the evaluations are spent before the error is there: raise --limit or --rtol.\n"
    )
    assert np.isnan(xr.load_dataset(tmp_path / "a.nc").mean_dimension).all()
    one = tmp_path / "one.npy"
    np.save(one, np.ones((5, 9)))
    done = call(folder / "product.pt2", "--law", "marginals", "--data", one)
    assert done.exit_code == 2
    assert "none of its inputs varies" in done.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["missing.pt2"], "missing.pt2: there is no such file"),
        (["product.pt"], "--shape is missing"),
        (["product.pt", "--shape", "2"], "the module failed on points of shape (64, 2)"),
        (["product.pt2", "--shape", "9"], "--shape = 9: the model takes points of shape (1, 3, 3)"),
        (["product.pt2", "--shape", "3x3"], "--shape = 3x3: give the shape of one point"),
        (["product.pt2", "--law", "cauchy"], "--law = cauchy: give one of binary, uniform"),
        (["product.pt2", "--law", "binary:p=1"], "binary takes no parameter, not 'p'"),
        (["product.pt2", "--law", "normal:std=x"], "give a number for std"),
        (["product.pt2", "--law", "normal:std=0"], "std = 0 at column 0"),
        (["product.pt2", "--law", "uniform:low=nan"], "low has values that are not finite"),
        (["product.pt2", "--law", "marginals"], "--data is missing"),
        (["product.pt2", "--samples", "1"], "--samples = 1: give a whole number >= 2, or auto"),
        (["product.pt2", "--views", "probit"], "views: 'probit' is none"),
        (["product.pt2", "--flips", "10"], "flips = 10: the law has n = 9 inputs"),
        (["product.pt2", "-o", "a.txt"], "--output = a.txt: end the name in .nc"),
        (["product.pt2", "-o", "product.nc/a.nc"], "there is no folder"),
    ],
)
def test_bad_input_is_one_sentence(args, words, folder, monkeypatch):
    monkeypatch.chdir(folder)
    refused(call(*args), words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.npy", "there is no such file"),
        ("two.npz", "it holds 2 arrays; give a file of one"),
        ("objects.npy", "it is a pickle or damaged"),
        ("text.npy", "it is a pickle or damaged"),
        ("product.pt2", "arrays; give a file of one"),
        ("flat.npy", "give at least 2 patterns, one a row"),
        ("other.npy", "--data has shape (5, 8): give patterns of shape (1, 3, 3)"),
    ],
)
def test_bad_data_is_one_sentence(name, words, folder, monkeypatch):
    monkeypatch.chdir(folder)
    refused(call("product.pt2", "--law", "marginals", "--data", name), words)


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "boom")


@pytest.mark.parametrize("suffix", [".pkl", ".pt", ".pth", ".pt2", ".joblib"])
def test_no_pickle_is_executed(suffix, tmp_path):
    model, boom = tmp_path / f"model{suffix}", tmp_path / "boom"
    for write in (pickle.dump, torch.save):
        with model.open("wb") as file:
            write(Bomb(boom), file)
        refused(call(model, "--shape", "4"), "export")
    with (tmp_path / "x.npy").open("wb") as file:
        pickle.dump(Bomb(boom), file)
    done = call(tmp_path / "m.pt2", "--law", "marginals", "--data", tmp_path / "x.npy")
    refused(done, "pickle or damaged")
    assert not boom.exists()


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_reader_that_leaves_is_no_failure(folder, tmp_path):
    command = [
        sys.executable,
        "-m",
        "twinpeaks",
        "bmd",
        folder / "product.pt2",
        "-o",
        tmp_path / "a.nc",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == ""
        assert child.wait(60) == 0
    assert (tmp_path / "a.nc").exists()
