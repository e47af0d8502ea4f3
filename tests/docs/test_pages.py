"""README and handbook: what is generated is current, what is written can be typed, and what is linked is there."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import office31_cli
from tests.docs import results, transcripts
from tests.docs.command_lines import check, mentioned, typed
from tests.docs.helps import ROOT as COMMANDS
from tests.docs.listings import headline
from tests.docs.pages import blocks, regenerate
from tests.docs.places import GUIDE, PACKAGE, PAGES, ROOT, TOPICS

TEXTS = {str(path.relative_to(ROOT)): path.read_text() for path in PAGES}

every_page = pytest.mark.parametrize("name", TEXTS)
every_topic = pytest.mark.parametrize("path", TOPICS, ids=lambda path: path.stem)


@every_page
def test_what_is_generated_is_current(name: str) -> None:
    assert TEXTS[name] == regenerate(TEXTS[name]), "run: make docs"


@every_page
def test_every_command_line_parses(name: str) -> None:
    for words in typed(TEXTS[name]):
        check(words)
    for words in mentioned(TEXTS[name]):
        check(words, whole=False)


@every_page
def test_every_link_leads_somewhere(name: str) -> None:
    for target in links(TEXTS[name]):
        place, _, heading = target.partition("#")
        page = (ROOT / name).parent / place if place else ROOT / name
        assert page.exists(), target
        assert not heading or heading in anchors(page.read_text()), target


def links(text: str) -> list[str]:
    """Where a page's links lead within the project."""
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]


def anchors(text: str) -> set[str]:
    """What a code host calls a page's headings."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@every_topic
def test_a_topic_begins_with_its_title_and_a_plain_sentence(path: Path) -> None:
    title, sentence = headline(path.read_text())
    assert path.read_text().startswith(f"# {title}\n\n{sentence[:20]}")
    assert sentence.endswith(".")
    assert not set(sentence) & set("`*[]|<>")
    assert len(sentence) <= 120


def test_every_command_has_a_topic_and_its_place_in_the_readme() -> None:
    for name, command in COMMANDS.commands.items():
        if not command.hidden:
            assert (GUIDE / f"{name}.md").exists(), name
            assert ("help", name) in blocks((GUIDE / f"{name}.md").read_text()), name
            assert f"office31_cli/guide/{name}.md" in links(TEXTS["README.md"]), name


def test_every_topic_is_linked_from_the_readme() -> None:
    assert {str(path.relative_to(ROOT)) for path in TOPICS} <= set(links(TEXTS["README.md"]))


def test_the_readme_can_be_read_at_one_sitting() -> None:
    assert len(TEXTS["README.md"].splitlines()) <= 300
    assert "| tail" not in TEXTS["README.md"]


def test_the_tree_is_the_packages() -> None:
    paths = set(tree(TEXTS["README.md"]))
    assert [path for path in paths if not (ROOT / path).exists()] == []
    folders = {path.relative_to(ROOT) for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= {Path(path) for path in paths}


def tree(text: str) -> Iterator[str]:
    """The files and folders that the README's tree tells of: each line's first words, indented below their folder."""
    above: list[tuple[int, str]] = []
    for line in re.search(r"```\n(office31_cli/\n.*?)```", text, re.DOTALL)[1].splitlines():  # type: ignore[index]
        depth = len(line) - len(line.lstrip())
        above = [(at, folder) for at, folder in above if at < depth]
        for name in re.match(r"[\w./ ]*?(?=  |$)", line.strip())[0].split():  # type: ignore[index]
            yield "".join(folder for _, folder in above) + name
            if name.endswith("/"):
                above.append((depth, name))


def test_examples_in_python_use_names_that_there_are() -> None:
    for text in TEXTS.values():
        for code in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "office31_cli":
                    assert hasattr(office31_cli, node.attr), node.attr


def test_every_stored_result_and_transcript_is_shown() -> None:
    shown = {block for text in TEXTS.values() for block in blocks(text)}
    assert {name for kind, name in shown if kind == "result"} == set(results.TABLES)
    stored = {path.stem for path in transcripts.FOLDER.glob("*.txt")}
    assert {name for kind, name in shown if kind == "transcript"} == stored


def test_no_path_of_a_machine_is_told() -> None:
    for name, text in TEXTS.items():
        assert not re.search(r"/(work|tmp|root|home/\w+)/", text), name


def test_writing_the_pages_waits_for_no_torch() -> None:
    code = """if True:
        import sys
        from tests.docs.pages import regenerate
        from tests.docs.places import PAGES
        for path in PAGES:
            regenerate(path.read_text())
        sys.exit("torch" in sys.modules)
    """
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
