"""Stores of version 0.1, whose results have no names: read for good, and never added to.

``data/stores`` was written by the functions of that version, and ``expected.json`` is what they returned.
"""

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from twinpeaks import simulate, sweeps, theory
from twinpeaks.commands import cli

FOLDER = Path(__file__).parent / "data" / "stores"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
kinds = pytest.mark.parametrize("kind", EXPECTED)


@kinds
def test_a_former_store_holds_what_its_function_returned(kind, tmp_path):
    path = tmp_path / "old.db"
    shutil.copy(FOLDER / f"{kind}.db", path)
    before = path.read_bytes()

    def call(*words):
        done = CliRunner().invoke(cli, ["store", *map(str, words)])
        assert done.exit_code == 0, done.output
        return done.output

    assert f"kind        {kind}\n" in call("show", path)
    assert "4 of 4" in call("show", path) or "2 of 2" in call("show", path)
    assert "all as written" in call("verify", path)
    call("export", path, "-o", tmp_path / "out.nc")
    found = xr.load_dataset(tmp_path / "out.nc")
    assert set(EXPECTED[kind]) == {*found.data_vars, *found.coords}
    for name, (dims, values) in EXPECTED[kind].items():
        assert list(found[name].dims) == dims
        np.testing.assert_array_equal(found[name].values, np.array(values), err_msg=name)
        assert found[name].attrs["long_name"]
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.suffix not in (".nc",)] == ["old.db"]


def test_a_former_store_takes_no_results(tmp_path):
    path = tmp_path / "old.db"
    shutil.copy(FOLDER / "train.db", path)
    with pytest.raises(sweeps.StoreError, match=r"old.db holds another sweep: .*twinpeaks is 0\.1"):
        simulate.run(theory.Problem(), 0.5, D=10, seeds=1, store=path)
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM about WHERE name = 'protocol'")
    db.close()
    with pytest.raises(
        sweeps.StoreError, match=r"old.db: its format, of version 0\.1, is only read"
    ):
        simulate.run(theory.Problem(), 0.5, D=10, seeds=1, store=path)


def test_a_damaged_result_of_a_former_store_is_found(tmp_path):
    path = tmp_path / "old.db"
    shutil.copy(FOLDER / "train.db", path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE results SET value = x'00' WHERE N = 15 AND seed = 1")
        db.execute("UPDATE results SET axes = '{' WHERE N = 15 AND seed = 0")
    db.close()
    with sweeps.Store(path, create=False) as store:
        (grid,) = store.summary().grids
        assert store.progress(grid) == (2, 4)
        assert len(store.verify()) == 2
        missing = store.collect(grid).status == -1
        assert missing.sel(overparam=0.5).all()
        assert not missing.sel(overparam=2.0).any()
        with pytest.raises(sweeps.StoreError, match="only read"):
            store.verify(repair=True)
