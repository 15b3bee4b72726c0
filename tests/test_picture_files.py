"""Names of pictures, and the backend of matplotlib that is not needed to write them."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

import twinpeaks as tp
from twinpeaks.commands import cli


@pytest.mark.parametrize(
    ("name", "formats", "written"),
    [
        ("p.png", None, {"p.png"}),
        ("p.PNG", None, {"p.PNG"}),
        ("p.svg", None, {"p.svg"}),
        ("p", None, {"p.png", "p.pdf"}),
        ("p.v2", None, {"p.v2.png", "p.v2.pdf"}),
        ("lam0.1", ["svg"], {"lam0.1.svg"}),
        ("p.xyz", ["png"], {"p.xyz.png"}),
    ],
)
def test_a_name_with_a_suffix_is_that_file(name, formats, written, tmp_path):
    for path in (tmp_path / name, str(tmp_path / name)):
        files = tp.save(Figure(), path, formats)
        assert {f.name for f in files} == {f.name for f in tmp_path.iterdir()} == written


@pytest.mark.parametrize(
    ("name", "formats", "words"),
    [
        ("p.xyz", None, ".xyz is no picture; end the name in .png"),
        ("p", ["xyz"], "formats = "),
        ("p.png", ["pdf"], "give one of the two"),
    ],
)
def test_another_suffix_is_refused(name, formats, words, tmp_path):
    with pytest.raises(ValueError, match=words) as refused:
        tp.save(Figure(), tmp_path / name, formats)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []
    if formats is None:
        done = CliRunner().invoke(cli, ["figure", "maps", "-o", str(tmp_path / name)])
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith("twinpeaks")


@pytest.fixture(scope="module")
def curve(tmp_path_factory):
    path = tmp_path_factory.mktemp("curve") / "theory.nc"
    solved = tp.solve(tp.Problem(), overparam=[0.5, 1.0], alpha_T=3.0, lam=0.1)
    solved.to_netcdf(path, engine="h5netcdf")
    return path


@pytest.mark.parametrize(
    "backend",
    [
        "module://matplotlib_inline.backend_inline",
        pytest.param("nonsense", marks=pytest.mark.slow),
        "svg",
        "",
    ],
)
def test_a_backend_named_by_another_environment_is_not_needed(backend, curve, tmp_path):
    """One that exists is still the one for windows."""
    script = (
        "import os, twinpeaks as tp\n"
        "tp.figures\n"
        "import matplotlib as mpl\n"
        "from matplotlib.figure import Figure\n"
        f"tp.save(Figure(), {str(tmp_path / 'a.png')!r})\n"
        "chosen = dict.__getitem__(mpl.rcParams, 'backend')\n"  # get_backend would choose one
        "print(os.environ['MPLBACKEND'] == sys.argv[1], chosen if isinstance(chosen, str) else None)"
    )
    environment = {**os.environ, "MPLBACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{script}", backend],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "svg" if backend == "svg" else "None"]
    command = ["figure", "twin-peaks", str(curve), "-o", str(tmp_path / "b")]
    done = subprocess.run(
        [sys.executable, "-m", "twinpeaks", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {p.name for p in tmp_path.iterdir()} == {"a.png", "b.png", "b.pdf"}
