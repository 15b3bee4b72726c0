"""Models from files: they compute what was exported, and a file can do nothing else."""

import io
import json
import pickle
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from exported import ANY, NETWORKS, export, make, trace

from twinpeaks import measure
from twinpeaks.measure import load_model

torch = pytest.importorskip("torch")
nn = torch.nn


@pytest.mark.parametrize("batch", ["any", "fixed"])
@pytest.mark.parametrize("name", NETWORKS)
def test_an_archive_computes_what_was_exported(name, batch, tmp_path):
    module, x = make(name)
    read = load_model(export(module, x, tmp_path / "a.pt2", ANY if batch == "any" else None))
    assert read.shape == NETWORKS[name][1]
    points = torch.randn(7, *read.shape).to(x.dtype)  # one and three quarters batches of 4
    found = read.f(points.double().numpy())
    assert found.dtype == np.dtype(str(x.dtype).split(".")[1])
    np.testing.assert_allclose(found, module(points).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_the_mean_dimension_of_a_file_is_that_of_the_module(tmp_path):
    module, x = make("perceptron")
    export(module, x, tmp_path / "a.pt2")
    trace(module, x, tmp_path / "a.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = torch.export.load(tmp_path / "a.pt2").module()  # of one's own file
    assert load_model((tmp_path / "a.pt2").rename(tmp_path / "b.pt")).shape == (6, 4)
    (tmp_path / "b.pt").rename(tmp_path / "a.pt2")
    found = [
        measure.mean_dimension(f, (6, 4), 100, 0, flips=5).value
        for f in (module, load_model(tmp_path / "a.pt2").f, load_model(tmp_path / "a.pt").f, loaded)
    ]
    np.testing.assert_allclose(found, found[0], rtol=1e-5)


def test_onnx_computes_what_was_exported(tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    module, x = make("convolution")
    for name, axes in (("any", {"x": {0: "batch"}}), ("fixed", None)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                (x,),
                tmp_path / f"{name}.onnx",
                dynamo=False,
                input_names=["x"],
                dynamic_axes=axes,
            )
        read = load_model(tmp_path / f"{name}.onnx")
        assert read.shape == (1, 8, 8)
        points = torch.randn(7, 1, 8, 8)
        np.testing.assert_allclose(
            read.f(points.double().numpy()), module(points).detach().numpy(), rtol=1e-4, atol=1e-5
        )


def test_a_single_point_of_onnx_is_a_batch_of_one(tmp_path):
    """A graph written by hand: y = x A, for a batch of one, with labels before the scores."""
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    A = np.arange(6, dtype="f4").reshape(3, 2)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "A"], ["y"]),
            helper.make_node("ArgMax", ["y"], ["label"], axis=1),
        ],
        "g",
        [helper.make_tensor_value_info("x", kinds.FLOAT, [1, 3])],
        [
            helper.make_tensor_value_info("label", kinds.INT64, [1, 1]),
            helper.make_tensor_value_info("y", kinds.FLOAT, [1, 2]),
        ],
        [onnx.numpy_helper.from_array(A, "A")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "a.onnx")
    x = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(load_model(tmp_path / "a.onnx").f(x), x @ A, rtol=1e-5)


# --- files that would do something else -----------------------------------------------------------------


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "boom")


@pytest.fixture
def bomb(tmp_path):
    made = Bomb(tmp_path / "boom")
    pickle.loads(pickle.dumps(made))
    assert made.path.read_text() == "boom"  # it works
    made.path.unlink()
    return made


def saved(thing):
    held = io.BytesIO()
    torch.save(thing, held)
    return held.getvalue()


@pytest.mark.parametrize(
    "wrap", [pickle.dumps, saved, lambda b: saved({"weight": torch.zeros(2), "b": b})]
)
@pytest.mark.parametrize(
    "name", ["a.pkl", "a.pth", "a.joblib", "a.pt", "a.ts", "a.pt2", "a.onnx", "a.bin"]
)
def test_a_pickle_is_refused_and_not_read(name, wrap, bomb, tmp_path):
    if name.endswith(".onnx"):
        pytest.importorskip("onnxruntime")
    (tmp_path / name).write_bytes(wrap(bomb))
    with pytest.raises(ValueError, match=r"model = .*: .*(export|damaged)") as refused:
        load_model(tmp_path / name)
    assert "\n" not in str(refused.value)
    assert not bomb.path.exists()


def rewritten(source, target, change):
    """A copy of an archive; ``change`` takes and returns its files by their names without the folder."""
    with zipfile.ZipFile(source) as old:
        (folder,) = {name.partition("/")[0] for name in old.namelist()}
        files = {name.partition("/")[2]: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(target, "w") as new:
        for name, content in change(files).items():
            new.writestr(f"{folder}/{name}", content)
    return target


def edited(name, change):
    def edit(files):
        content = json.loads(files[name])
        change(content)
        return {**files, name: json.dumps(content).encode()}

    return edit


def graph(change):
    return edited("models/model.json", lambda model: change(model["graph_module"]["graph"], model))


def calls(target, *texts):
    """Replace the first operator by another, of texts."""

    def change(found, _):
        inputs = [{"name": "", "arg": {"as_string": text}, "kind": 1} for text in texts]
        found["nodes"][0] |= {"target": target, "inputs": inputs}

    return graph(change)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    module, x = make("perceptron")
    return export(module, x, tmp_path_factory.mktemp("archive") / "good.pt2")


@pytest.mark.parametrize(
    "target",
    [
        "torch.serialization.os.system",
        "torch.hub.load",
        "torch.ops.aten.save.default",
        "torch.ops.aten.from_file.default",
        "_operator.attrgetter",
        "_operator.call",
        "_operator.getitem.__globals__",
        "math.sqrt",
        "builtins.exec",
        "#extension:os.system",
        "os.system",
    ],
)
def test_an_archive_calls_operators_alone(target, archive, tmp_path):
    bad = rewritten(archive, tmp_path / "bad.pt2", calls(target, f"touch {tmp_path / 'boom'}"))
    with pytest.raises(ValueError, match=rf"operator {target}.* is not one that is called"):
        load_model(bad)
    assert not (tmp_path / "boom").exists()


def pickled_weights(bomb):
    def change(files):
        name = "data/weights/model_weights_config.json"
        config = json.loads(files[name])
        first = next(iter(config["config"].values()))
        first["use_pickle"] = True
        return {
            **files,
            name: json.dumps(config),
            f"data/weights/{first['path_name']}": saved(bomb),
        }

    return change


def test_pickles_inside_an_archive_are_refused_or_left_alone(archive, bomb, tmp_path):
    bad = rewritten(archive, tmp_path / "bad.pt2", pickled_weights(bomb))
    with pytest.raises(ValueError, match=r"1\.weight is a pickle, which is not read"):
        load_model(bad)
    inputs = {"data/sample_inputs/model.pt": saved(bomb)}
    fine = load_model(rewritten(archive, tmp_path / "fine.pt2", lambda files: {**files, **inputs}))
    x = np.random.default_rng(0).normal(size=(3, 6, 4))
    np.testing.assert_array_equal(fine.f(x), load_model(archive).f(x))
    assert not bomb.path.exists()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in ("bad.pt2", "fine.pt2"):  # the loader of torch does read them
            with suppress(Exception):
                torch.export.load(tmp_path / path)
            assert bomb.path.exists()
            bomb.path.unlink()


def test_texts_that_torch_evaluates_are_not(archive, tmp_path):
    text = f"__import__('os').system('touch {tmp_path / 'boom'}')"

    def change(found, model):
        model["guards_code"] = [text]
        for value in found["tensor_values"].values():
            for size in value["sizes"]:
                if "as_expr" in size:
                    size["as_expr"]["expr_str"] = text

    read = load_model(rewritten(archive, tmp_path / "a.pt2", graph(change)))
    assert read.f(np.zeros((2, 6, 4))).shape == (2, 3)
    assert not (tmp_path / "boom").exists()


def test_script_that_touches_files_is_not_run(tmp_path):
    class Writes(nn.Module):
        def __init__(self, path: str):
            super().__init__()
            self.path = path

        def forward(self, x):
            torch.save(x, self.path)
            return x[:, 0]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(Writes(str(tmp_path / "boom"))).save(tmp_path / "a.pt")
    with pytest.raises(ValueError, match="reads or writes files, and is not run"):
        load_model(tmp_path / "a.pt")
    assert not (tmp_path / "boom").exists()


# --- files that cannot be measured ------------------------------------------------------------------------


class Two(nn.Module):
    def forward(self, x):
        return x[:, 0], x[:, 1]


def test_what_is_no_function_of_one_tensor(tmp_path):
    path = tmp_path / "a.pt2"
    x = torch.zeros(4, 6)
    for module, shapes, words in (
        (Two(), ANY, "1 inputs and 2 outputs"),
        (
            nn.Sequential(nn.Linear(6, 3), nn.BatchNorm1d(3)).train(),
            None,
            "exported in training mode",
        ),
        (
            nn.Tanh(),
            ({0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO},),
            "only dimension 0 vary",
        ),
    ):
        with pytest.raises(ValueError, match=words):
            load_model(export(module, x, path, shapes))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.95, "scrambled"])
@pytest.mark.parametrize("suffix", [".pt2", ".pt", ".onnx"])
def test_a_damaged_file_is_one_sentence(suffix, share, archive, tmp_path):
    if suffix == ".onnx":
        pytest.importorskip("onnxruntime")
    module, x = make("perceptron")
    path = tmp_path / f"a{suffix}"
    if suffix == ".pt":
        trace(module, x, path)
    else:
        path.write_bytes(archive.read_bytes())
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    if share == "scrambled":
        content[np.random.default_rng(0).integers(0, content.size, content.size // 50)] ^= 0xA5
    else:
        content = content[: int(share * content.size)]
    path.write_bytes(content.tobytes())
    with pytest.raises(ValueError, match=r"^model = .*; export|^model = .*export") as refused:
        load_model(path)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 700


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.pt2", "no such file"),
        ("", "no such file"),
        ("a.h5", ".h5 is no kind of model"),
        ("a", "suffix"),
    ],
)
def test_what_is_no_model(name, words, tmp_path):
    (tmp_path / "a.h5").touch()
    (tmp_path / "a").touch()
    with pytest.raises(ValueError, match=words):
        load_model(tmp_path / name)


def test_points_of_another_shape_are_refused(archive):
    with pytest.raises(ValueError, match=r"takes points of shape \(6, 4\), not \(24,\)"):
        measure.mean_dimension(load_model(archive).f, 24, 50, 0)


def gone(name):
    return lambda files: {k: v for k, v in files.items() if k != name}


@pytest.mark.parametrize(
    "change",
    [
        gone("models/model.json"),
        gone("data/weights/weight_1"),
        gone("byteorder"),
        lambda files: {**files, "models/model.json": b"no json"},
        lambda files: {**files, "data/weights/weight_1": b"short"},
        edited("models/model.json", dict.clear),
        edited("data/weights/model_weights_config.json", lambda c: c["config"].clear()),
        graph(lambda g, _: g["nodes"].pop(0)),
        graph(lambda g, _: g["outputs"].clear()),
        graph(lambda g, _: g["nodes"][0].update(outputs=[])),
        graph(lambda g, _: g["nodes"][0].update(inputs=[{"name": "self", "arg": {}}])),
        graph(
            lambda g, _: g["nodes"][0].update(inputs=[{"name": "self", "arg": {"as_graph": {}}}])
        ),
        graph(lambda g, _: g["tensor_values"].clear()),
    ],
)
def test_an_archive_that_does_not_fit_together_is_one_sentence(change, archive, tmp_path):
    bad = rewritten(archive, tmp_path / "bad.pt2", change)
    with pytest.raises(ValueError, match=r"^(model = .*: |the model failed)") as refused:
        load_model(bad).f(np.zeros((2, 6, 4)))
    assert "\n" not in str(refused.value)
