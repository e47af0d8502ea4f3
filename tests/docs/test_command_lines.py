"""The checker of command lines notices what a reader would stumble on."""

import pytest
import typer

from office31_cli.errors import Misuse
from tests.docs.command_lines import check, mentioned, typed

PAGE = """
Prose with `office31 models tree` and `office31 compare`.

```console
$ make demo
$ office31 evaluate --split webcam | head -5    # it's a comment
accuracy  63.6 %
$ pip install . && office31 download --sample
$ RAY_ADDRESS=head:6379 office31 benchmark \\
    --on ray
```

```bash
torchrun --nproc-per-node 2 -m office31_cli pretrain --domain amazon
echo office31
```

```python
office31
```
"""


def test_commands_are_found_in_blocks_and_in_prose() -> None:
    assert list(typed(PAGE)) == [
        ["evaluate", "--split", "webcam"],
        ["download", "--sample"],
        ["benchmark", "--on", "ray"],
        ["pretrain", "--domain", "amazon"],
    ]
    assert list(mentioned(PAGE)) == [["models", "tree"], ["compare"]]


@pytest.mark.parametrize(
    "line",
    ["adapt --target dslr --method mcc", "models show NAME", "--version", "compare", "predict a.jpg b/ --top 2"],
)
def test_what_the_command_takes_passes(line: str) -> None:
    check(line.split())


@pytest.mark.parametrize(
    "line", ["adopt --target dslr", "adapt --target dslr --nope", "adapt", "--nope", "pretrain --epochs x"]
)
def test_what_it_does_not_take_fails(line: str) -> None:
    with pytest.raises(typer.TyperException):
        check(line.split())


def test_a_name_that_there_is_not_fails() -> None:
    with pytest.raises(Misuse):
        check(["adapt", "--target", "dslr", "--method", "mmc"])
    with pytest.raises(Misuse):
        check(["compare", "labels", "--target", "dslr", "--strategies", "linear,mc"])


def test_prose_may_leave_out_what_is_required() -> None:
    check(["adapt"], whole=False)
    check(["download", "--from"], whole=False)
    with pytest.raises(typer.TyperException):
        check(["adapt", "--nope"], whole=False)
