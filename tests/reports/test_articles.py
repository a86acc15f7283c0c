"""What several articles have in common is written once: with the links followed, each says all that its line says."""

import re
from html import escape

from pocketbench.reports.articles import format_details
from pocketbench.reports.commands import CommandLister
from pocketbench.reports.details import PartMaker
from pocketbench.reports.explorer import name_results
from pocketbench.reports.lines import make_lines
from pocketbench.reports.table import make_table
from tests.reports.operator_samples import make_profiled
from tests.reports.paper_samples import make_suite_table
from tests.reports.synthetic import make_example

TABLES = [make_suite_table(widths=(1.0, 0.5)), make_table(*make_example()), make_table(*make_profiled())]
LINK = re.compile(r'<(section|li)[^>]*><a class="same" href="#(part-[0-9]+)">([^<]*): as above</a></(section|li)>')


def read_articles(details: str) -> dict[str, str]:
    found = re.findall(r'<article class="result" id="([^"]+)">(.*?)</article>', details, re.DOTALL)
    return dict(found)


def follow_links(article: str, details: str) -> str:
    def find(link: re.Match[str]) -> str:
        tag, address, name, end = link.groups()
        assert tag == end
        places = re.findall(rf'<{tag}[^>]* id="{address}">(.*?)</{tag}>', details, re.DOTALL)
        assert len(places) == 1
        assert name in places[0]
        assert details.index(f'id="{address}"') < details.index(link[0])  # it is above
        return f"<{tag}>{places[0]}</{tag}>"

    return LINK.sub(find, article)


def test_with_links_followed_nothing_is_missing() -> None:
    for table in TABLES:
        lines = make_lines(table)
        details = format_details(table, lines)
        articles = read_articles(details)
        assert list(articles) == name_results(lines)
        for line, article in zip(lines, articles.values(), strict=True):
            whole = follow_links(article, details)
            parts = PartMaker(table).make(line)
            assert sorted(re.findall("<h4>(.*?)</h4>", whole)) == sorted(
                [
                    *(escape(part.title) for part in parts),
                    *(["Make it again"] if CommandLister(table).list_commands(line) else []),
                ]
            )
            facts = [escape(value) for part in parts for _, value in part.properties]
            assert re.findall("<dd>(.*?)</dd>", whole) == facts
            for text in [sentence for part in parts for sentence in part.sentences]:
                assert f"<li>{escape(text)}</li>" in whole
            commands = [
                escape(command.text) for command in CommandLister(table).list_commands(line) if command.text is not None
            ]
            assert re.findall("<code>(.*?)</code>", whole) == commands


def test_what_lines_share_is_written_once() -> None:
    details = format_details(TABLES[0], make_lines(TABLES[0]))
    (graph,) = {graph for graph in re.findall("<section[^>]*><h4>Graph</h4>.*?</section>", details)[:1]}
    assert details.count(graph) == 1
    assert len(LINK.findall(details)) > 50
    written = set(re.findall(r' id="(part-[0-9]+)"', details))
    assert {address for _, address, _, _ in LINK.findall(details)} == written


def test_one_line_shares_nothing() -> None:
    table = make_table(*make_example())
    details = format_details(table, make_lines(table)[:1])
    assert "part-" not in details
    assert "as above" not in details
