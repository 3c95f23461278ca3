"""The blocks of pages: text is escaped once, whatever it says, and HTML is not."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup
from matplotlib.figure import Figure

from routed_rl.charts.drawing import Drawing
from routed_rl.charts.markup import (
    Section,
    details,
    document,
    paragraph,
    saved_figure,
    saved_table,
    table,
)
from routed_rl.charts.tables import NumberTable

ODD = "<b>&\"'{{ 1 }}"


class Page(HTMLParser):
    """What a reader sees of a page, and its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts += [data] if data.strip() else []


@pytest.mark.parametrize(
    ("block", "texts", "tags"),
    [
        (paragraph(ODD), [ODD], ["p"]),
        (paragraph("lead", ODD), ["lead"], ["p"]),
        (details(ODD, paragraph(ODD)), [ODD, ODD], ["details", "summary", "p"]),
    ],
    ids=["paragraph", "class", "details"],
)
def test_text_is_shown_as_it_is(block: Markup, texts: list[str], tags: list[str]):
    page = Page(block)
    assert (page.texts, page.tags) == (texts, tags)


def test_a_table_has_heads_numbers_and_sentences():
    assert table(("name", "count", "why"), [(ODD, "1", "so")], prose=(2,)) == (
        '<div class="scroll" tabindex="0" role="group" aria-label="table"><table>\n'
        '<thead><tr><th scope="col">name</th><th scope="col" class="number">count</th>'
        '<th scope="col" class="prose">why</th></tr></thead>\n<tbody>\n'
        '<tr><th scope="row">&lt;b&gt;&amp;&#34;&#39;{{ 1 }}</th><td class="number">1</td>'
        '<td class="prose">so</td></tr>\n</tbody></table></div>'
    )


def test_a_table_links_its_file(tmp_path: Path):
    numbers = NumberTable("rates", ("who", "rate"), (("a", "1%"),), ("who", "rate"), (("a", 0.01),))
    block = saved_table(numbers, tmp_path)
    assert block.endswith(
        '<p class="note"><span class="files"><a href="figures/rates.csv">CSV</a></span></p>'
    )
    assert (tmp_path / "rates.csv").read_text() == "who,rate\na,0.01\n"


def test_files_lie_in_their_folder_whatever_they_are_named_after(tmp_path: Path):
    name = '../../red/"><img src=x>'
    table = NumberTable(name, ("who",), (("a",),), ("who",), (("a",),))
    drawing = Drawing(name, Figure(), ("who",), (("a",),), "caption", "alt")
    for made in (table, drawing):
        made.save(tmp_path)
        assert made.name == "_red_img_src_x_"
    assert {path.suffix for path in tmp_path.glob("_red_img_src_x_.*")} == {".csv", ".png", ".svg"}
    assert "img" not in Page(saved_figure(drawing, tmp_path)).tags
    assert NumberTable("red_blue_rates", (), (), (), ()).name == "red_blue_rates"


def test_titles_are_escaped_and_text_that_is_no_html_yet_is_too():
    odd = Section("odd", ODD, (Markup("<p>plain</p>"), ODD))  # pyright: ignore[reportArgumentType]
    page = Page(document(ODD, [paragraph(ODD)], [odd]))
    assert page.texts.count(ODD) == 4  # In the heading twice, the lead, the contents.
    assert any(text.startswith(f"{ODD} \N{MIDDLE DOT} ") for text in page.texts), "the title"
    assert page.texts[-1].strip() == ODD
    assert "b" not in page.tags
