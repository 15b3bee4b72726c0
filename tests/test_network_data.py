"""Data sets: what files hold, what is refused of them, and what a training set is drawn from."""

import gzip
import pickle

import numpy as np
import pytest

pytest.importorskip("torch")

from twinpeaks.networks.data import Cifar, Digits, Idx, Parity, Patterns, Synthetic, draw
from twinpeaks.sweeps import TorchRandom


def idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())
    return path


def test_idx_files(tmp_path):
    pixels = np.arange(2 * 4 * 4).reshape(2, 4, 4)
    path = idx(tmp_path / "few-images-idx3-ubyte", pixels)
    labels = idx(tmp_path / "few-labels-idx1-ubyte", np.array([7, 4]))
    found = Idx(path, pool=2).load()
    np.testing.assert_allclose(found.inputs[0, 0, 0], np.mean([0, 1, 4, 5]) / 127.5 - 1)
    assert found.inputs.shape == (2, 2, 2)
    assert found.parity.tolist() == [1.0, -1.0]
    for file in (path, labels):
        file.with_suffix(".gz").write_bytes(gzip.compress(file.read_bytes()))
    again = Idx(path.with_suffix(".gz")).load()
    assert again.flat.shape == (2, 16)
    with pytest.raises(ValueError, match="pool = 3: give a divisor of 4 and 4"):
        Idx(path, pool=3).load()


def test_files_that_are_no_images(tmp_path):
    path = idx(tmp_path / "a-images-idx3", np.zeros((2, 4, 4)))
    with pytest.raises(ValueError, match=r"a-labels-idx1 cannot be read"):
        Idx(path).load()
    idx(tmp_path / "a-labels-idx1", np.zeros(3))
    with pytest.raises(ValueError, match="3 labels for 2 images"):
        Idx(path).load()
    with pytest.raises(ValueError, match="'images-idx3' in its name"):
        Idx(tmp_path / "other").load()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"31 bytes of data .* incomplete"):
        Idx(path).load()
    path.write_bytes(b"\x1f\x8bnothing")
    with pytest.raises(ValueError, match="cannot be read"):
        Idx(path).load()
    path.write_bytes(b"words")
    with pytest.raises(ValueError, match="no array of bytes of 3 dimensions"):
        Idx(path).load()


def cifar(path, images, labels):
    records = [bytes([y]) + x.tobytes() for x, y in zip(images, labels, strict=True)]
    path.write_bytes(b"".join(records))
    return path


def test_cifar_in_both_formats(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 3, 32, 32)).astype(np.uint8)
    labels = np.array([3, 9, 0, 1, 1])
    found = Cifar(cifar(tmp_path / "data_batch_1.bin", images, labels)).load()
    assert (found.shape, found.classes, found.labels.tolist()) == ((3, 32, 32), 10, [3, 9, 0, 1, 1])
    np.testing.assert_allclose(found.inputs, images / 127.5 - 1)
    folder = tmp_path / "python"
    folder.mkdir()
    for k, rows in enumerate((slice(0, 2), slice(2, 5)), 1):
        held = {b"data": images[rows].reshape(-1, 3072), b"labels": labels[rows].tolist()}
        (folder / f"data_batch_{k}").write_bytes(pickle.dumps(held, protocol=2))
    assert Cifar(folder).load().digest == found.digest
    pooled = Cifar(folder, pool=4).load()
    np.testing.assert_allclose(pooled.inputs[1, 2, 0, 0], images[1, 2, :4, :4].mean() / 127.5 - 1)


def test_files_that_are_no_batches(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        Cifar(tmp_path / "absent").load()
    with pytest.raises(ValueError, match="no batch in this folder"):
        Cifar(tmp_path).load()
    images = np.zeros((2, 3, 32, 32), dtype=np.uint8)
    path = cifar(tmp_path / "data_batch_1.bin", images, [0, 10])
    with pytest.raises(ValueError, match="labels from 0 to 10"):
        Cifar(path).load()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="6145 bytes, no multiple of the 3073"):
        Cifar(path, pool=2).load()
    path.write_bytes(pickle.dumps({"data": images.reshape(2, -1), "labels": [0, 1]})[:-40])
    with pytest.raises(ValueError, match="cannot be read as a batch"):
        Cifar(path, pool=4).load()
    path.write_bytes(pickle.dumps(print, protocol=2))
    with pytest.raises(ValueError, match="asks for"):
        Cifar(path, pool=8).load()


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 1, 2], "between 0 and 2: .* from 0 to classes - 1 = 1"),
        ([0, -1, 1], "between -1"),
        ([0, 1], "one label for each"),
    ],
)
def test_labels_out_of_range(labels, words):
    with pytest.raises(ValueError, match=words):
        Patterns("mine", np.zeros((3, 4)), np.array(labels), 2)


def test_digits_use_the_corners():
    found = Digits().load()
    assert (found.inputs.min(), found.inputs.max()) == (-1.0, 1.0)
    assert Digits().load() is found
    assert Parity(Digits()).load().labels.tolist() == (found.labels % 2).tolist()
    assert Parity(Digits()).digest != Digits().digest


def test_a_teacher_is_learned_by_its_own_direction():
    """The mean of y x is proportional to w_T: of 4000 patterns its correlation with w_T is above 0.9."""
    data = Synthetic(D=20, patterns=4000)
    found = data.load()
    w = TorchRandom.named("teacher", 0, 20).normal(20).numpy()
    mean = (found.parity[:, None] * found.flat).mean(0)
    assert np.corrcoef(w, mean)[0, 1] > 0.9
    assert Synthetic(D=20, patterns=4000).digest == found.digest != Synthetic(D=20).digest


@pytest.mark.parametrize("noise", [0.0, 0.2, 0.5])
def test_label_noise_is_a_share_of_other_classes(noise):
    found = Digits().load()
    drawn = draw(found, 200, noise, TorchRandom.from_seed(3))
    assert (drawn.labels != found.labels[drawn.train]).sum() == round(200 * noise)
    assert sorted([*drawn.train, *drawn.test]) == list(range(1797))
    assert set(drawn.labels) <= set(range(10))


def test_noise_is_spread_evenly_over_the_other_classes():
    """900 replacements by shifts of 1 to 9: chi2 of 8 degrees of freedom is above 30 with P = 2e-4."""
    found = Digits().load()
    drawn = draw(found, 1500, 0.6, TorchRandom.from_seed(1))
    shift = (drawn.labels - found.labels[drawn.train]) % 10
    count = np.bincount(shift, minlength=10)[1:]
    assert ((count - 100.0) ** 2 / 100).sum() < 30


def test_more_noise_replaces_more_labels_of_the_same_patterns():
    found = Digits().load()
    few, many = (draw(found, 100, s, TorchRandom.from_seed(0)) for s in (0.1, 0.3))
    assert few.train.tolist() == many.train.tolist()
    changed = few.labels != found.labels[few.train]
    assert few.labels[changed].tolist() == many.labels[changed].tolist()


@pytest.mark.parametrize(
    ("n", "noise", "words"),
    [(1797, 0.0, "n = 1797: digits has 1797"), (0, 0.0, "n = 0"), (9, 1.0, r"noise = 1.*\[0, 1\)")],
)
def test_sizes_that_cannot_be(n, noise, words):
    with pytest.raises(ValueError, match=words):
        draw(Digits().load(), n, noise, TorchRandom.from_seed(0))
