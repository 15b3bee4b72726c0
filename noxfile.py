"""The fast tests on every supported Python, with the oldest and the newest versions of what is needed.

``nox`` runs all of it, ``nox -l`` lists it. The Pythons stand in the classifiers of pyproject.toml,
the oldest of everything else in its lower bounds.
"""

import nox

nox.options.default_venv_backend = "venv"

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
NEEDED = PROJECT["project"]["dependencies"]
OLDEST = [requirement.replace(">=", "==") for requirement in NEEDED]
FAST = ("python", "-m", "pytest", "-m", "not slow")


@nox.session(python=PYTHONS)
def newest(session: nox.Session) -> None:
    """Theory without torch, newest versions."""
    session.install("-e", ".[test]")
    session.run(*FAST, *session.posargs)


@nox.session(python=PYTHONS[0])
def oldest(session: nox.Session) -> None:
    """Theory without torch, oldest versions, for which later Pythons are too new."""
    session.install("-e", ".[test]", *OLDEST)
    # They use what newer packages beneath them have deprecated, such as matplotlib 3.10 of pyparsing.
    session.run(*FAST, "-W", "default::DeprecationWarning", *session.posargs)


@nox.session(python=PYTHONS[0])
def simulations(session: nox.Session) -> None:
    """Everything, with the version of torch it is tested with."""
    session.install("-c", "constraints.txt", "-e", ".[dev]")
    session.run(*FAST, *session.posargs)
