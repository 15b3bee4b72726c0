"""Where the package ``twinpeaks`` lies: every floor of it is a folder at the top level.

``pyproject.toml`` says everything else; it cannot find packages under another name.
"""

from setuptools import find_packages, setup

FLOORS = ("theory", "sweeps", "measure", "simulate", "validate", "figures", "commands")
FOUND = find_packages(include=[pattern for name in FLOORS for pattern in (name, f"{name}.*")])

setup(
    packages=["twinpeaks", *(f"twinpeaks.{name}" for name in FOUND)],
    package_dir={f"twinpeaks.{name}": name for name in FLOORS},
)
