"""``twinpeaks equations``: what is printed are the derived expressions, as text and as LaTeX."""

import re

import pytest
from click.testing import CliRunner
from matplotlib.mathtext import MathTextParser

from twinpeaks import theory
from twinpeaks.commands import cli
from twinpeaks.theory.components import components
from twinpeaks.theory.derivation import notation as n, rendering

PARSER = MathTextParser("path")


def call(*args):
    done = CliRunner().invoke(cli, ["equations", *args])
    return done.exit_code, done.stdout, done.stderr


def rows(latex):
    """The formulas of all align environments."""
    bodies = re.findall(r"\\begin\{align\}\n(.*?)\n\\end\{align\}", latex, re.DOTALL)
    return [row for body in bodies for row in re.split(r"\\\\\n", body)]


def check_latex(latex):
    """Environments and braces match, each row aligns once, and mathtext reads what it can."""
    assert latex.count(r"\begin{align}") == latex.count(r"\end{align}") == 4
    seen = 0
    for row in rows(latex):
        assert row.count("&") - 2 * row.count(r"\begin{cases}") in (1, 0) or "cases" in row
        plain = re.sub(r"\\[{}]", "", row)
        depth = 0
        for char in plain:
            depth += (char == "{") - (char == "}")
            assert depth >= 0
        assert depth == 0
        assert len(re.findall(r"\\left\b", row)) == len(re.findall(r"\\right\b", row))
        assert not re.search(r"'\s*\^", re.sub(r"\{[^{}]*\}|\\left\(.*?\\right\)", "", row))
        if "cases" in row:  # outside mathtext
            continue
        formula = row.replace("&", "").replace(r"\notag", "").replace(r"\limits", "")
        PARSER.parse(f"${formula.replace('= ', '= {} ')}$")
        seen += 1
    assert seen > 25


@pytest.mark.parametrize("beta", ["inf", "finite"])
@pytest.mark.parametrize("name", [None, *components(theory.Loss)])
def test_every_loss_is_printed(name, beta):
    loss = () if name is None else ("--loss", components(theory.Loss)[name].usage)
    if name == "zeroone" and beta == "inf":
        code, out, error = call(*loss, "--beta", beta)
        assert (code, out) == (2, "")
        assert error.count("\n") == 1
        assert "give a finite beta" in error
        return
    code, out, error = call(*loss, "--beta", beta)
    assert (code, error) == (0, "")
    assert max(map(len, out.splitlines())) <= 110
    for heading in ("Saddle point", "Observables", "Definitions"):
        assert out.count(heading) == 1
    assert ("lim phi/beta" in out) == (beta == "inf")
    code, out, error = call(*loss, "--beta", beta, "--latex")
    assert (code, error) == (0, "")
    check_latex(out)


@pytest.mark.parametrize("teacher", [*components(theory.Teacher)])
def test_every_teacher_is_printed(teacher):
    code, out, error = call("--teacher", teacher, "--loss", "square", "--latex")
    assert (code, error) == (0, "")
    check_latex(out)
    assert (r"\sum_y" in out) != (r"\int\! dy" in out)


@pytest.mark.parametrize(("features", "choice"), components(theory.FeatureLaw).items())
def test_every_law_is_printed(features, choice):
    given = ",".join(f"{name}=1" for name in choice.required)
    code, out, error = call("--features", f"{features}:{given}", "--latex")
    assert (code, error) == (0, "")
    check_latex(out)


def test_what_is_printed_is_what_was_derived():
    """The very objects that test_free_entropy holds equal to the solver, in the order of solving."""
    problem = theory.Problem(loss=theory.Logistic())
    free = theory.free_entropy(problem)
    first, saddle, observables, rest = rendering.sections(free)
    assert first.pairs[0][1] is free.expression
    assert dict(saddle.pairs) == free.saddle_point
    assert dict(observables.pairs) == free.observables
    symbols = {n.Vh, n.Qh, n.mh, n.V, n.Q_0, n.m}
    assert {left for left, _ in saddle.pairs} == symbols
    assert len(rest.pairs) > 15


def test_text_reads_as_the_equations_do():
    """A few lines as they appear; the derivation is guarded elsewhere."""
    _, out, _ = call("--loss", "hinge", "--teacher", "sign")
    assert "V̂ = -α⋅∫Dξ Σ_y [Z⋆⋅f']" in out
    assert "m̂ = α⋅∫Dξ Σ_y [Z⋆'⋅f]" in out
    assert "V = ⟨Ω⋅R⟩" in out
    assert "ℓ(y, t) = max(0, 1 - t⋅y)" in out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--loss", "nope"], "--loss = nope: theory has no component 'nope' here: give one of "),
        (["--beta", "3"], "--beta: '3' is not one of"),
        (["--loss", "hinge", "--teacher", "linear"], "cannot learn from teacher"),
        (["--teacher", "flippedsign:flip=2"], "flip = 2"),
    ],
)
def test_a_bad_option_is_one_line(args, words):
    code, out, error = call(*args)
    assert (code, out) == (2, "")
    assert error.count("\n") == 1
    assert words in error
