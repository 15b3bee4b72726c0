"""Make the golden tables: ``python -m tests.golden [TABLE ...]``.

Rows that a table already holds are kept, every new row is written at once, and an interrupted run goes on
where it stopped.
"""

import argparse
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import mpmath
from tqdm import tqdm

from tests.golden.points import TABLES
from twinpeaks import theory
from twinpeaks.validate.precise import solve
from twinpeaks.validate.precise.golden import Row, Table, read, write
from twinpeaks.validate.precise.proven import enclose

HERE = Path(__file__).parent
DPS = 38
ENOUGH = 30
MOST = 36  # digits written


def row(problem, at):
    """Solve one point; the float solution is where the iteration starts."""
    began = time.process_time()
    point = solve(problem, **at, dps=DPS, start=theory.solve(problem, **at))
    agreed = {
        k: min(MOST, int(-mpmath.log10(e + mpmath.mpf(10) ** -99))) for k, e in point.errors.items()
    }
    with mpmath.workdps(2 * DPS):
        values = {
            k: mpmath.nstr(v, max(agreed[k], 1), strip_zeros=False) for k, v in point.values.items()
        }
        bounds = proof(problem, at)
        for name, (low, high) in bounds.items():
            distance = max(abs(low - point[name]), abs(high - point[name]))
            if distance > mpmath.mpf(10) ** -(ENOUGH - 2) * abs(point[name]):
                raise ValueError(f"{name} is not where it is proven to be")
            values[name], agreed[name] = (
                mpmath.nstr((low + high) / 2, MOST, strip_zeros=False),
                MOST,
            )
    made = {
        "date": datetime.now(UTC).date().isoformat(),
        "digits_of_arithmetic": str(DPS),
        "cpu_seconds": f"{time.process_time() - began:.1f}",
        "twinpeaks": version("twinpeaks"),
        "mpmath": f"{mpmath.__version__} ({mpmath.libmp.BACKEND})",
        "python": platform.python_version(),
    }
    return Row(
        repr(problem),
        **at,
        values=values,
        digits=min(agreed.values()),
        proven=tuple(bounds),
        made=made,
    )


def proof(problem, at):
    """Proven bounds narrower than the digits written, where there are any."""
    try:
        bounds = enclose(problem, **at, dps=MOST + 5)
    except ValueError:
        return {}
    narrow = mpmath.mpf(10) ** -(MOST + 1)
    return {k: (a, b) for k, (a, b) in bounds.items() if b - a <= narrow * abs(a)}


def make(name, progress):
    """Add what a table lacks; returns how many points were refused."""
    path = HERE / f"{name}.json"
    table = read(path) if path.exists() else Table(f"python -m tests.golden {name}", ())
    known, refused = {r.key for r in table.rows}, 0
    for problem, at in TABLES[name]:
        progress.update()
        if (repr(problem), *at.values()) in known:
            continue
        try:
            new = row(problem, at)
        except (ValueError, ArithmeticError, theory.SolveError) as error:
            new, why = None, str(error)
        else:
            why = f"the two evaluations agree on {new.digits} digits only"
        if new is None or new.digits < ENOUGH:
            refused += 1
            progress.write(f"REFUSED {problem!r} {at}: {why}")
            continue
        table = table.add(new)
        write(path, table)
    return refused


def main():
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.golden", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}; all by default"
    )
    names = parser.parse_args().tables or list(TABLES)
    unknown = set(names) - set(TABLES)
    if unknown:
        parser.error(f"no table {', '.join(sorted(unknown))}: give some of {', '.join(TABLES)}")
    with tqdm(total=sum(len(TABLES[n]) for n in names), unit="row") as progress:
        refused = sum(make(name, progress) for name in names)
    raise SystemExit(1 if refused else 0)


if __name__ == "__main__":
    main()
