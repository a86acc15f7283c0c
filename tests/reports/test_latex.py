"""The LaTeX of a table: read back by a parser, and set by a real LaTeX; with names that are full of its commands."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from pylatexenc.latex2text import LatexNodes2Text
from pylatexenc.latexwalker import LatexEnvironmentNode, LatexWalker

from pocketbench.reports.latex import format_latex
from pocketbench.reports.latex_text import escape_latex
from pocketbench.reports.paper_layout import make_paper_table
from pocketbench.reports.paper_records import PaperFigure, PaperLine, PaperTable
from pocketbench.reports.sheets import Column
from pocketbench.reports.table import make_table
from tests.reports.synthetic import make_example

ASCII = "".join(map(chr, range(0x21, 0x7F)))
HOSTILE = [
    ASCII,
    ASCII[::-1],
    r"100 % & \input{/etc/passwd} \end{document}",
    "a_b^c~d#e$f{g}h\\",
    "$x$ %",
    "[3] * {4}",
    "a--b---c ,, ''quoted'' ``so`` ?` !` << >>",
    "^^41 ^^M",
    "café Ångström naïve Žižek ß",
    "模型 🚀 модель",
    "line\nbreak\ttab \u2028 here\x00\x1b[31m",
    r"\\ & \\",
]


def read_back(latex: str) -> str:
    return LatexNodes2Text(keep_comments=True).latex_to_text(latex)


def test_every_character_reads_as_itself() -> None:
    # The parser knows no name for <, > and |, and prints another hat and quotation mark: those stand below.
    for character in sorted(set(ASCII) - set('<>|^"')):
        assert read_back(escape_latex(f"a{character}b")) == f"a{character}b"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        (r"100 % & \x", r"100 \% \& \textbackslash{}x"),
        ("a_b^c~d#e$f{g}", r"a\_b\textasciicircum{}c\textasciitilde{}d\#e\$f\{g\}"),
        ("mobilenet_v2-1.0", r"mobilenet\_v2-1.0"),
        ('a<b>|c"', r"a\textless{}b\textgreater{}\textbar{}c''"),
        ("a--b", "a-{}-b"),
        ("---", "-{}-{}-"),
        ("''", "'{}'"),
        ("–", "--"),
        ("224 × 224, 45 °C", r"224 $\times$ 224, 45 \textdegree{}C"),
        ("café Ž", r"caf\'{e} \v{Z}"),
        ("模", "U+6A21"),
        ("a\n b\u2028c\x1b", "a b cU+001B"),
    ],
)
def test_text_becomes_ascii_that_prints_it(text: str, escaped: str) -> None:
    assert escape_latex(text) == escaped
    assert escaped.isascii()


def make_hostile() -> PaperTable:
    """Every hostile text as a network, as an addition, as a head, a source and a remark."""
    heads = [Column(head="r"), *(Column(head=text, group=HOSTILE[place % 2]) for place, text in enumerate(HOSTILE[:4]))]
    figures = [PaperFigure(text="24"), *(PaperFigure(text=text, change="-1.0", source=0) for text in HOSTILE[2:6])]
    boxed = [PaperFigure(text="1", interval=("[0", "2]"), is_best=True)] * 5
    lines = [
        PaperLine(network=text, addition=addition, ratio=place, figures=tuple(row))
        for text in HOSTILE
        for place, (addition, row) in enumerate(((None, figures), (text, boxed)))
    ]
    return PaperTable(
        caption=HOSTILE[2],
        columns=tuple(heads),
        lines=tuple(lines),
        sources=tuple(HOSTILE),
        remarks=tuple(HOSTILE),
    )


EXAMPLE = make_paper_table(make_table(*make_example()))
TABLES = {"example": EXAMPLE, "hostile": make_hostile(), "empty": make_paper_table(make_table([], [], []))}


def find_rows(latex: str) -> list[str]:
    """The rows of the tabular, as LaTeX takes them: each ends at its own \\\\."""
    inside = latex.split(r"\toprule", 1)[1].split(r"\bottomrule", 1)[0]
    inside = re.sub(r"\\(midrule|addlinespace|cmidrule\(lr\)\{[\d-]+\})", "", inside)
    *rows, rest = re.split(r"(?<!\\)\\\\(?:\[2pt\])?\n", inside)
    assert not rest.strip()
    return rows


def count_columns(row: str) -> int:
    spans = [int(width) for width in re.findall(r"\\multicolumn\{(\d+)\}", row)]
    return len(re.findall(r"(?<!\\)&", row)) + 1 + sum(spans) - len(spans)


@pytest.mark.parametrize("paper", TABLES.values(), ids=TABLES)
def test_every_row_has_the_columns_of_the_table(paper: PaperTable) -> None:
    latex = format_latex(paper)
    letters = latex.split(r"\begin{tabular}{@{}", 1)[1].split("@{}}\n", 1)[0].replace(r"@{\,}", "")
    rows = find_rows(latex)
    assert {count_columns(row) for row in rows} == {len(letters)}
    intervals = sum(any(figure.interval for figure in line.figures) for line in paper.lines)
    assert len(rows) >= 1 + len(paper.lines) + intervals


@pytest.mark.parametrize("paper", TABLES.values(), ids=TABLES)
def test_a_parser_reads_the_whole_file(paper: PaperTable) -> None:
    latex = format_latex(paper)
    assert latex.isascii()
    nodes, _, _ = LatexWalker(latex.split(r"\fi", 1)[1], tolerant_parsing=False).get_latex_nodes()
    (environment,) = [node for node in nodes if isinstance(node, LatexEnvironmentNode)]
    assert environment.environmentname == "table"
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 1


def test_differences_and_intervals_stand_small_and_the_best_is_bold() -> None:
    figure = PaperFigure(text="78.0", change="-8.0", interval=("77.2", "78.8"), is_best=True, source=0)
    line = PaperLine(network="Net", addition="+ CA", ratio=None, figures=(figure,))
    paper = PaperTable(
        caption="c", columns=(Column(head="Top-1 (%)"),), lines=(line,), sources=("S",), remarks=("One.",)
    )
    latex = format_latex(paper)
    assert "\\midrule\nNet &  & \\\\\n" in latex
    assert "\\quad + CA & \\textbf{78.0} & {\\scriptsize $-$8.0}\\textsuperscript{1} \\\\\n" in latex
    assert " & \\multicolumn{2}{c}{{\\scriptsize [77.2, 78.8]}} \\\\[2pt]\n" in latex
    assert "One. Bold: the best of its network" in latex
    assert "\\textsuperscript{1}\\,Published: S." in latex


def test_networks_are_parted_by_rules_and_ratios_by_space() -> None:
    def line(network: str, ratio: int | None) -> PaperLine:
        addition = None if ratio is None else f"+ {ratio}"
        return PaperLine(network=network, addition=addition, ratio=ratio, figures=(PaperFigure(text="1"),))

    lines = (line("A", None), line("A", 16), line("A", 16), line("A", 24), line("B", None))
    paper = PaperTable(caption="c", columns=(Column(head="r"),), lines=lines, sources=(), remarks=())
    body = format_latex(paper).split("\\midrule\n", 1)[1].split("\\bottomrule", 1)[0]
    assert body.splitlines() == [
        r"A & 1 \\",
        r"\quad + 16 & 1 \\",
        r"\quad + 16 & 1 \\",
        r"\addlinespace",
        r"\quad + 24 & 1 \\",
        r"\midrule",
        r"B & 1 \\",
    ]


PAPER = r"""\documentclass[twocolumn]{article}
\usepackage{booktabs,graphicx}
\begin{document}
Before. \input{report} After~\ref{tab:LABEL}.
\end{document}
"""


@pytest.mark.slow
@pytest.mark.parametrize("paper", TABLES.values(), ids=TABLES)
def test_latex_sets_it_alone_and_within_a_paper(paper: PaperTable, tmp_path: Path) -> None:
    latex = format_latex(paper)
    (tmp_path / "report.tex").write_text(latex, encoding="ascii")
    (label,) = re.findall(r"\\label\{tab:(.*)\}", latex)
    (tmp_path / "paper.tex").write_text(PAPER.replace("LABEL", label), encoding="ascii")
    for name in ("report", "paper"):
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", f"{name}.tex"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            timeout=120,
        )
        log = done.stdout.decode("latin-1")
        assert done.returncode == 0, log[-3000:]
        assert "(1 page" in log
        assert paper is not EXAMPLE or "Overfull" not in log
