"""What ``pyproject.toml`` cannot say: where the package lies, and links that hold elsewhere.

Every floor of ``twinpeaks`` is a folder at the top level, and ``facade`` holds the package itself: a
folder of its name would hide the installed package from those who work here. The README points at files
beside it, which the page on a package index does not have: there its links lead to the repository.
"""

import re
import tomllib
from pathlib import Path

from setuptools import find_namespace_packages, setup

FLOORS = ("theory", "sweeps", "measure", "simulate", "networks", "validate", "figures", "commands")
# a folder of data inside a package is a package to setuptools, and has to be named
FOUND = find_namespace_packages(
    include=[p for name in FLOORS for p in (name, f"{name}.*")], exclude=["*.__pycache__"]
)

ROOT = Path(__file__).parent
SOURCE = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Source"]


def absolute(page: str) -> str:
    """The text of a page, with what it links to and shows taken from the repository."""
    page = re.sub(r"(!\[[^]]*\]\()(?!http|#)", rf"\1{SOURCE}/raw/main/", page)
    return re.sub(r"(\]\()(?!http|#)", rf"\1{SOURCE}/blob/main/", page)


setup(
    packages=["twinpeaks", *(f"twinpeaks.{name}" for name in FOUND)],
    package_dir={"twinpeaks": "facade", **{f"twinpeaks.{name}": name for name in FLOORS}},
    long_description=absolute((ROOT / "README.md").read_text("utf-8")),
    long_description_content_type="text/markdown",
)
