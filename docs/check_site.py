"""Check the built site: no dead link, nothing from a network, every public name in the API pages.

    python docs/check_site.py build/site

`make docs` runs it. Links to other sites are not followed.
"""

from __future__ import annotations

import importlib
import sys
import zlib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

PACKAGES = ("routed_rl", "routed_agents", "routed_envs")
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""What a browser fetches by itself, by the attribute that says whence."""


@dataclass
class Page(HTMLParser):
    """What a page holds and asks for.

    Attributes:
        anchors: The places that a link may name.
        links: Whence a reader can go, and what a browser fetches.
        loaded: The latter alone.
    """

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def read(cls, text: str) -> Page:
        """The page that a file holds."""
        page = cls()
        page.feed(text)
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag is called and where it leads."""
        found = {name: value for name, value in attrs if value}
        self.anchors.update(found[name] for name in ("id", "name") if name in found)
        link = found.get(LOADED.get(tag, "href" if tag == "a" else ""), "")
        self.links += [link] if link else []
        fetched = link and tag in LOADED and found.get("rel") not in ("search", "canonical")
        self.loaded += [link] if fetched else []


def faults(site: Path) -> list[str]:
    """What is wrong with a site, a sentence each.

    Args:
        site: The folder that `make docs` writes.
    """
    pages = {path: Page.read(path.read_text()) for path in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"There are no pages in {site}."]
    for path, page in pages.items():
        name = path.relative_to(site)
        found += [f"{name} loads {link} from a network." for link in page.loaded if _is_far(link)]
        if "_static" not in name.parts:
            found += [
                f"{name} links to {link}: {why}."
                for link in dict.fromkeys(page.links)
                if (why := _dead(path, link, pages))
            ]
    return found + [f"{name} is not in the API pages." for name in missing_names(site)]


def _is_far(link: str) -> bool:
    """Whether a link leads to another site."""
    parts = urlsplit(link)
    return bool(parts.netloc) or parts.scheme in ("http", "https")


def _dead(source: Path, link: str, pages: dict[Path, Page]) -> str | None:
    """Why a link leads nowhere, or None."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    target = (source.parent / unquote(parts.path)).resolve() if parts.path else source
    if not target.exists():
        return "there is no such file"
    anchor = unquote(parts.fragment)
    known = pages.get(target)
    return "it has no such place" if anchor and known and anchor not in known.anchors else None


def missing_names(site: Path) -> list[str]:
    """The public names that no API page has.

    Args:
        site: The folder that `make docs` writes.
    """
    body = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    there = {line.split(" ", 1)[0] for line in zlib.decompress(body).decode().splitlines()}
    public = [f"{name}.{one}" for name in PACKAGES for one in importlib.import_module(name).__all__]
    return [name for name in public if name not in there]


def main(arguments: list[str]) -> int:
    """Check the site in a folder; returns the exit code."""
    if len(arguments) != 1 or not (Path(arguments[0]) / "objects.inv").exists():
        print(__doc__, file=sys.stderr)
        return 2
    found = faults(Path(arguments[0]).resolve())
    print("\n".join(found) or "No dead link, nothing from a network, every public name described.")
    return 1 if found else 0


if __name__ == "__main__":
    house = Path(__file__).resolve().parents[1]
    sys.path[:0] = [str(house / folder) for folder in ("", "envs", "agents")]
    sys.exit(main(sys.argv[1:]))
