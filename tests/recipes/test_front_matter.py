from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.recipes.models.front_matter import front_matter

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")


def plain(name: str) -> bool:
    """Keys are ours: none of them is a word that YAML takes for something else."""
    return isinstance(yaml.safe_load(name), str)


texts = st.one_of(
    st.text(), st.sampled_from(["---", "yes", "null", "1e3", "- a: b", "a: b # c", "\x85\u2028\ufeff\uffff", '"\\'])
)
keys = st.from_regex(r"[a-z][a-z_-]{0,9}", fullmatch=True).filter(plain)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(texts, st.integers(0, 10**6).map(lambda number: number / 10**6), st.integers(0, 10**9)),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3),
        st.dictionaries(keys, inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, min_size=1, max_size=3))
def test_yaml_reads_it_back_whatever_the_texts(fields: dict[str, Any]) -> None:
    first, *lines, last = front_matter(fields).split("\n")
    assert (first, last) == ("---", "---")
    assert "---" not in lines
    assert yaml.safe_load("\n".join(lines)) == fields


def test_a_byte_that_is_no_utf_8_is_shown_by_its_number() -> None:
    """YAML has no way to write half a surrogate pair, and libyaml refuses the whole text."""
    (line,) = front_matter({"name": "cup\udcff"}).split("\n")[1:-1]
    assert yaml.safe_load(line) == {"name": r"cup\udcff"}


def test_words_of_any_script_stay_legible() -> None:
    assert front_matter({"name": "vélo 自転車"}) == '---\nname: "vélo 自転車"\n---'
