import pytest
from markdown_it import MarkdownIt

from pocketbench.reports.gate.escaping import escape_text


@pytest.mark.parametrize(
    "name",
    [
        *("a|b", "`code`", "*bold*", "_it_", "[l](u)", "<b>x</b>", "&lt;", "\\", "a\\|b", "~~x~~", "![i](u)"),
        *("<!-- pocketbench-gate -->", "</details>", "{{ 7 }}", "&#64;user"),
    ],
)
def test_a_name_is_shown_as_it_is(name: str) -> None:
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    html = markdown.render(f"| head |\n| --- |\n| {escape_text(name)} |")
    shown = html.split("<td>")[1].split("</td>")[0].replace("\u200b", "")
    assert shown == name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@pytest.mark.parametrize(
    ("name", "trigger"),
    [
        ("@octocat", "@octocat"),
        ("owner/repo#12", "#12"),
        ("GH-12", "GH-12"),
        ("https://evil.example", "https://"),
        ("www.evil.example", "www."),
        ("me@evil.example", "me@evil"),
        ("$x$", "$x"),
    ],
)
def test_nothing_that_github_looks_for_later_is_left(name: str, trigger: str) -> None:
    html = MarkdownIt("commonmark", {"html": True}).render(escape_text(name))
    assert trigger not in html


@pytest.mark.parametrize("name", ["mobilenet_v2_1.0_ca32_224.tflite", "origin/main (1a2b3c4d)", "x1.083"])
def test_everyday_names_stay_readable_in_the_source(name: str) -> None:
    assert escape_text(name) == name
