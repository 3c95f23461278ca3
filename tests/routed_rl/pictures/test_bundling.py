"""The page's modules become one script: in order, each once, and nothing is guessed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from routed_rl.pictures.explorer import bundling
from routed_rl.pictures.explorer.bundling import bundled

WEB = Path(bundling.__file__).parent / "web"


def test_modules_come_before_those_that_import_them():
    texts = {
        "main.js": 'import { twice } from "./model/sums.js";\nimport {\n  one,\n  two,\n} from '
        '"./page/names.js";\n\nshow(twice(one));\n',
        "model/sums.js": "const two_ = 2;\nexport function twice(x) {\n  return two_ * x;\n}\n",
        "page/names.js": 'import { twice } from "../model/sums.js";\n\n/** One. */\n'
        "export const one = 1;\nexport let two = twice(one);\n",
    }
    assert bundled("main.js", texts.__getitem__) == (
        "const two_ = 2;\nfunction twice(x) {\n  return two_ * x;\n}\n"
        "\n\n/** One. */\nconst one = 1;\nlet two = twice(one);\n"
        "\n\nshow(twice(one));\n"
    )


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ('import { one } from "./a.js";\n', r"in a circle: a\.js -> b\.js -> a\.js"),
        ("function two() {}\n", r"a\.js imports two, which b\.js does not export"),
        ("export class two {}\nconst one = 1;\n", r"a\.js and b\.js both declare one"),
        ("export class two {}\nexport default two;\n", r"b\.js: only names.*'export default two;'"),
        ('export class two {}\nimport * as c from "./c.js";\n', r"b\.js: only names.*import \*"),
    ],
    ids=["circle", "not exported", "twice", "default", "namespace"],
)
def test_what_cannot_be_put_together_is_refused(second: str, message: str):
    texts = {"a.js": 'import { two } from "./b.js";\nexport const one = two;\n', "b.js": second}
    with pytest.raises(ValueError, match=message):
        bundled("a.js", texts.__getitem__)


def test_what_computes_knows_no_page():
    models = [
        *(WEB / "model").iterdir(),
        *(WEB / "states" / name for name in ("listing.js", "walk.js")),
    ]
    for path in models:
        text = path.read_text()
        assert not re.search(r"\b(document|window|navigator|location|HTML\w*)\b", text), path.name
        assert not re.search(r'"\.\./(?!model/)', text), path.name
