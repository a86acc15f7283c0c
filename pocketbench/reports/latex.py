"""The table in the layout of papers as LaTeX, set with booktabs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from pocketbench.reports.latex_text import escape_latex
from pocketbench.reports.paper_columns import RATIO
from pocketbench.reports.paper_records import PaperFigure, PaperLine, PaperTable
from pocketbench.reports.sheets import Column

PREAMBLE = r"""% \input{report} takes it into a paper that has \usepackage{booktabs,graphicx}. It compiles alone, too.
\ifdefined\maketitle
  \let\tableend\relax
\else
  \documentclass{article}
  \usepackage{textcomp}
  \usepackage[margin=2cm]{geometry}
  \usepackage{booktabs,graphicx}
  \pagestyle{empty}
  \makeatletter \setlength{\@fptop}{0pt} \makeatother
  \def\tableend{\end{document}}
  \begin{document}
\fi
"""
BOLD = "Bold: the best of its network, where the 95 % interval of no other reaches its own."
HEAD = "Settings"
ROW_END = r" \\"


def format_latex(paper: PaperTable) -> str:
    """A `table` environment that an article takes in by \\input, and that compiles alone.

    A network is a block of rows; intervals stand in small under their figures, differences behind them in a column of
    their own, so that figures stay one under the other. The table is made smaller where it is wider than the text.
    """
    spans = [2 if any(line.figures[place].change for line in paper.lines) else 1 for place in range(len(paper.columns))]
    rows = [*_format_head(paper.columns, spans), r"\midrule"]
    for place, (network, members) in enumerate(groupby(paper.lines, key=lambda line: line.network)):
        rows += [r"\midrule"] if place else []
        rows += _format_network(network, list(members), spans, has_ratios=paper.columns[0].head == RATIO)
    body = "\n".join(rows)
    has_best = any(figure.is_best for line in paper.lines for figure in line.figures)
    remarks = [*paper.remarks, BOLD] if has_best else paper.remarks
    notes = [*map(escape_latex, remarks), *_format_sources(paper.sources)]
    return (
        f"{PREAMBLE}"
        "\\begin{table}[t]\n"
        "\\centering\n"
        "\\setlength{\\belowcaptionskip}{6pt}\n"
        f"\\caption{{{escape_latex(paper.caption)}}}\n"
        f"\\label{{tab:{_make_label(paper.caption)}}}\n"
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n"
        f"\\begin{{tabular}}{{@{{}}l{_align(paper.columns, spans)}@{{}}}}\n"
        "\\toprule\n"
        f"{body}\n"
        "\\bottomrule\n"
        "\\end{tabular}}\n"
        "\\par\\medskip\n"
        f"\\parbox{{\\linewidth}}{{\\footnotesize\\raggedright {' '.join(notes)}}}\n"
        "\\end{table}\n"
        "\\tableend\n"
    )


def _format_head(columns: Sequence[Column], spans: Sequence[int]) -> list[str]:
    """Two rows where neighbours stand under one head, with a thin rule under each such head."""
    heads = [_span(span, escape_latex(column.head)) for column, span in zip(columns, spans, strict=True)]
    if not any(column.group for column in columns):
        return [_join([HEAD, *heads])]
    above, rules, start = [""], [], 2
    for group, members in groupby(zip(columns, spans, strict=True), key=lambda item: item[0].group):
        width = sum(span for _, span in members)
        above.append(_span(width, escape_latex(group)))
        if group:
            rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    return [_join(above), " ".join(rules), _join([HEAD, *heads])]


def _format_network(network: str, lines: Sequence[PaperLine], spans: Sequence[int], *, has_ratios: bool) -> list[str]:
    rows = []
    if lines[0].addition is not None:  # no row of the network itself: its name stands alone
        rows.append(_join([escape_latex(network), *[""] * sum(spans)]))
    for place, line in enumerate(lines):
        if has_ratios and place and lines[place - 1].ratio not in (None, line.ratio):
            rows.append(r"\addlinespace")
        name = escape_latex(network) if line.addition is None else rf"\quad {escape_latex(line.addition)}"
        figures = list(zip(line.figures, spans, strict=True))
        rows.append(_join([name, *(_format_figure(figure, span) for figure, span in figures)]))
        if any(figure.interval is not None for figure in line.figures):
            rows.append(_join(["", *(_format_interval(figure, span) for figure, span in figures)]) + "[2pt]")
    return rows


def _format_figure(figure: PaperFigure, span: int) -> str:
    text = escape_latex(figure.text)
    if figure.is_best:
        text = rf"\textbf{{{text}}}"
    mark = "" if figure.source is None else _mark(figure.source)
    if span == 1:
        return text + mark
    change = rf"{{\scriptsize {escape_latex(figure.change.replace('-', '−'))}}}" if figure.change else ""
    return f"{text} & {change}{mark}"


def _format_interval(figure: PaperFigure, span: int) -> str:
    if figure.interval is None:
        return _span(span, "")
    low, high = map(escape_latex, figure.interval)
    return _span(span, rf"{{\scriptsize [{low}, {high}]}}")


def _format_sources(sources: Sequence[str]) -> list[str]:
    return [rf"{_mark(place)}\,Published: {escape_latex(source)}." for place, source in enumerate(sources)]


def _mark(source: int) -> str:
    return rf"\textsuperscript{{{source + 1}}}"


def _align(columns: Sequence[Column], spans: Sequence[int]) -> str:
    letters = ("c" if column.head == RATIO else "r" for column in columns)
    return "".join(letter if span == 1 else r"r@{\,}l" for letter, span in zip(letters, spans, strict=True))


def _span(width: int, text: str) -> str:
    if not text:
        return " & " * (width - 1)
    return rf"\multicolumn{{{width}}}{{c}}{{{text}}}"


def _join(cells: Sequence[str]) -> str:
    return " & ".join(cells).rstrip() + ROW_END


def _make_label(caption: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", caption.lower()).strip("-")[:60] or "table"
