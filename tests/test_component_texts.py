"""Components as texts: two forms, one reader; and each command takes just those that its help offers."""

from dataclasses import MISSING, fields, is_dataclass

import pytest
from click.testing import CliRunner
from hypothesis import given, settings, strategies as st

from twinpeaks import theory
from twinpeaks.commands import cli
from twinpeaks.theory.components import KINDS, components, parse

ALL = [(part, name) for part, kind in KINDS.items() for name in components(kind)]
#: In the place of a number that a component needs.
NEEDED = {"eigenvalues": "1.5/0.5", "alignments": "0.1/0.2"}


def written(part, name):
    """The short form of a component, with numbers for what it needs."""
    needed = components(KINDS[part])[name].required
    return f"{name}:{','.join(f'{key}={NEEDED[key]}' for key in needed)}"


@pytest.mark.parametrize(("part", "name"), ALL)
def test_both_forms_read_as_the_same(part, name):
    made = parse(written(part, name), KINDS[part])
    assert type(made).__name__.lower() == name
    assert parse(repr(made), KINDS[part]) == made
    problem = theory.Problem(**{part: made}) if name != "linear" else theory.Problem(teacher=made)
    assert parse(repr(problem)) == problem
    assert repr(parse(f"problem:{part}={made!r}")) == repr(problem)


@pytest.mark.parametrize(
    ("texts", "made"),
    [
        (
            ("sign:rho=2", "Sign(rho=2)", "SIGN:2", "sign(2.0)", " sign : rho = 2 "),
            theory.Sign(rho=2.0),
        ),
        (("tanh", "tanh:", "Tanh()", "Tanh"), theory.Tanh()),
        (
            ("deep:widths=1/0.5", "Deep(widths=(1, 0.5))", "deep:[1,.5]"),
            theory.Deep(widths=(1.0, 0.5)),
        ),
        (("deep:widths=2", "Deep(widths=2)"), theory.Deep(widths=(2.0,))),
        (("problem:loss=hinge", "Problem(loss=Hinge)"), theory.Problem(loss=theory.Hinge())),
    ],
)
def test_what_differs_in_writing_alone_is_one_component(texts, made):
    for text in texts:
        assert repr(parse(text)) == repr(made)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sign:rho=x", "'x' is neither a number"),
        ("sign:rho=1/2", "rho of sign takes one number"),
        ("sign:rho=True", "takes one number"),
        ("sign:x=1", "'x' is no parameter of sign, which takes rho=NUMBER"),
        ("sign:rho=-1", "give a finite number > 0"),
        ("sign:rho=" + "9" * 500, "rho = inf"),
        ("spectrum:eigenvalues=1/2", "spectrum lacks alignments"),
        ("deep:widths=a/b", "'a' is neither"),
        ("linear", "no component 'linear' here: give one of exponential, hinge"),
        ("customteacher:function=sign", "made of a callable"),
        ("-" * 50_000, "does not read"),
        ("square\0", "does not read"),
    ],
)
def test_what_is_wrong_is_one_short_sentence(text, words):
    kind = theory.Loss if text == "linear" else object
    with pytest.raises(theory.InvalidProblem) as refused:
        parse(text, kind)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 500
    assert "\n" not in str(refused.value)


PIECES = [*":=,/()1-*\n'", ".5", "inf", "rho", "sign", "Deep", "problem", "loss"]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join))
def test_no_text_does_more_than_be_refused(text):
    try:
        made = parse(text)
    except theory.InvalidProblem:
        return
    assert parse(repr(made)) == made


@pytest.mark.parametrize("kind", KINDS.values())
def test_only_components_that_need_more_than_numbers_are_left_out(kind):
    held = [c for c in vars(theory).values() if isinstance(c, type) and issubclass(c, kind)]
    for made in filter(is_dataclass, held):
        required = [f.type for f in fields(made) if f.default is f.default_factory is MISSING]
        offered = made.__name__.lower() in components(kind)
        assert offered == all(t in ("float", "int", "tuple[float, ...]") for t in required), made


# --- what the commands offer -------------------------------------------------------------------------

AT = ["--overparam", "0.25", "--lam", "0.1", "--alpha-T", "2"]
SMALL = [*AT, "-D", "4", "--seeds", "2", "--n-test", "10", "--n-flip", "2"]
TINY = {
    "solve": [*AT, "--beta", "2"],
    "golden add": [*AT, "--beta", "2", "-o", "{folder}/mine.json"],
    "simulate": SMALL,
    "sample": [*SMALL, "--chains", "4", "--warmup", "50", "--draws", "4"],
    "equations": ["--beta", "finite"],
}


def offered(command, part):
    """Signatures in the help of an option."""
    held = cli
    for word in command.split():
        held = held.commands[word]
    return [o.offered() for o in held.params if o.name == part]


@pytest.mark.parametrize(
    "command", [pytest.param(c, marks=pytest.mark.torch) if "-D" in TINY[c] else c for c in TINY]
)
@pytest.mark.parametrize(("part", "name"), ALL)
def test_what_help_offers_is_taken_and_nothing_else(command, part, name, tmp_path):
    for listed in offered(command, part):  # equations has no activation
        args = [a.replace("{folder}", str(tmp_path)) for a in TINY[command]]
        if name == "spectrum" and command != "equations":  # of mean kappa_1^2 + kappa_star^2
            args += ["--activation", "identity"]
        done = CliRunner().invoke(cli, [*command.split(), *args, f"--{part}", written(part, name)])
        if components(KINDS[part])[name].signature in listed:
            assert done.exit_code == 0 or (command == "sample" and done.exit_code == 1), done.output
        else:
            assert done.exit_code == 2
            assert done.stderr.count("\n") == 1
            assert f"loss = {components(KINDS[part])[name].kind.__name__}()" in done.stderr
            assert "supports smooth convex losses" in done.stderr


def test_help_lists_components_with_their_parameters_and_defaults():
    text = " ".join(CliRunner().invoke(cli, ["simulate", "--help"]).stdout.split())
    for word in ("FlippedSign(flip=0.1, rho=1.0)", "PowerLaw(exponent=0.5, ", "Hinge()", "ReLU()"):
        assert word in text
    assert "ZeroOne" not in text
    assert "Hinge(), Logistic" not in " ".join(
        CliRunner().invoke(cli, ["sample", "--help"]).stdout.split()
    )
