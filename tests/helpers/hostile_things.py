"""Names from outside that try to become markup, script, style or a request, in every place that a page shows one."""

from dataclasses import replace
from pathlib import Path

from office31_cli import Options, adapt, pretrain
from office31_cli.registry import MODEL_FILE, Entry, Registry
from office31_cli.workflow import seen_labels
from tests.helpers.small_data import draw

ITEMS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)<!--",
    "\"' onmouseover=alert(3) x='",
    "&lt;b&gt; ]]><style>*{display:none}",
    "{{7*7}}{% raw %}",
    "$\\frac{1}{0}$ & _x_",
    "\u202egnirts\x1b[31m",
)
SHOP, PHONE = "<svg onload=alert(4)>", '"><iframe src=http:example.org>'
FILE = "<img src=http:example.org onerror=alert(5)>.png"
LOSS = "</title></svg><script>alert(6)</script>"
ENVIRONMENT = "</dd><script src=http://example.org></script>"
WEIGHTS = "javascript:alert(7)//<b>.pth@0123"

SHOWN = (*ITEMS[:-1], SHOP, PHONE, LOSS, ENVIRONMENT, WEIGHTS)
"""What must be on the page, letter by letter."""


def hostile_things(root: Path) -> Path:
    """A data set of two domains whose folders and files are called so, four pictures of each item in each."""
    for first, domain in enumerate((SHOP, PHONE)):
        for second, item in enumerate(ITEMS):
            for third in range(4):
                draw(root / domain / item / f"{third}{FILE}", (60 * first, 30 * second, 50 * third))
    return root


def hostile_model(root: Path) -> Entry:
    """A model that was adapted to such a data set, with a card that is no better."""
    options = Options(epochs=2, batch_size=8, name="first")
    pretrain([SHOP], data=str(root), backbone="convnet", options=options)
    adapt(PHONE, method="mcc", steps=2, options=replace(options, held_out=0.0, name="second"))
    entry = Registry().find("second")
    card = replace(
        entry.card,
        history=[{LOSS: 1.0 / (epoch + 1), **row} for epoch, row in enumerate(entry.card.history)],
        environment=entry.card.environment | {"platform": ENVIRONMENT},
        weights=WEIGHTS,
    )
    content = {name: (entry.folder / name).read_bytes() for name in (MODEL_FILE, seen_labels.FILE)}
    return Registry().publish(card, content, name="third", suggested="third")
