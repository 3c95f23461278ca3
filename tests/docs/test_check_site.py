"""The checker of the built site finds what is wrong with one, and nothing else."""

from __future__ import annotations

import zlib
from pathlib import Path

import check_site
import pytest

import routed_agents
import routed_envs
import routed_rl


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site of two pages on which nothing is wrong."""
    names = [
        f"{package.__name__}.{name} py:class 1 api.html#$ -"
        for package in (routed_rl, routed_agents, routed_envs)
        for name in package.__all__
    ]
    head = b"# Sphinx inventory version 2\n# Project: x\n# Version: 1\n# zlib\n"
    (tmp_path / "objects.inv").write_bytes(head + zlib.compress("\n".join(names).encode()))
    (tmp_path / "index.html").write_text(
        '<a href="two.html#there">x</a><a href="#here">y</a><p id="here"></p><img src="a%20b.png">'
        '<a href="https://far.example/">z</a><link rel="canonical" href="https://far.example/">'
    )
    (tmp_path / "two.html").write_text('<h1 id="there">two</h1><a href="index.html">back</a>')
    (tmp_path / "a b.png").write_bytes(b"")
    return tmp_path


def test_nothing_is_found_where_nothing_is_wrong(site: Path):
    assert check_site.faults(site) == []
    assert check_site.main([str(site)]) == 0


@pytest.mark.parametrize(
    ("markup", "fault"),
    [
        ('<a href="three.html">', "three.html: there is no such file"),
        ('<a href="index.html#nowhere">', "index.html#nowhere: it has no such place"),
        ('<iframe src="gone.html">', "gone.html: there is no such file"),
        ('<script src="https://far.example/x.js">', "https://far.example/x.js from a network"),
        (
            '<link rel="stylesheet" href="//far.example/x.css">',
            "//far.example/x.css from a network",
        ),
    ],
)
def test_what_is_wrong_is_found(site: Path, markup: str, fault: str):
    (site / "two.html").write_text(f'<h1 id="there">two</h1>{markup}')
    found = check_site.faults(site)
    assert len(found) == 1
    assert fault in found[0]
    assert check_site.main([str(site)]) == 1


def test_a_public_name_that_no_page_has_is_found(site: Path):
    head, body = (site / "objects.inv").read_bytes().split(b"# zlib\n")
    rest = zlib.decompress(body).decode().replace("routed_rl.train ", "routed_rl.trained ")
    (site / "objects.inv").write_bytes(head + b"# zlib\n" + zlib.compress(rest.encode()))
    assert check_site.faults(site) == ["routed_rl.train is not in the API pages."]


def test_a_folder_without_a_site_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert check_site.main([str(tmp_path)]) == 2
    assert "make docs" in capsys.readouterr().err
