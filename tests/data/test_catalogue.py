from pathlib import Path

import pytest

from office31_cli import paths
from office31_cli.data.catalogue import location, open_data
from office31_cli.errors import Failed, Misuse
from tests.helpers.small_data import lay_out


def bring(name: str) -> Path:
    return lay_out(paths.data_sets() / name, "amazon/cup")


def test_what_is_not_here_comes_with_the_command_that_brings_it() -> None:
    with pytest.raises(Failed, match=r"data set office31: it is not in .*; run: office31 download$"):
        open_data("office31")
    with pytest.raises(Failed, match=r"data set sample: it is not in .*; run: office31 download --sample$"):
        open_data("sample")
    with pytest.raises(Failed, match=r"no data set in .*: none was downloaded; run: office31 download"):
        open_data(None)


def test_the_real_photographs_come_before_the_drawn_ones() -> None:
    bring("sample")
    assert open_data(None).name == "sample"
    bring("office31")
    assert open_data(None).name == "office31"


def test_a_name_of_the_catalogue_comes_before_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = bring("sample")
    lay_out(tmp_path / "here" / "sample", "cam/pen")
    monkeypatch.chdir(tmp_path / "here")
    assert open_data("sample").root == root
    assert open_data("./sample").domains == ("cam",)


@pytest.mark.parametrize("given", ["lab", "./lab", "../here/lab", "~/lab"])
def test_a_folder_may_be_given_in_any_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    root = lay_out(tmp_path / "here" / "lab", "cam/pen")
    monkeypatch.chdir(root.parent)
    monkeypatch.setenv("HOME", str(root.parent))
    data = open_data(given)
    assert data.name == "lab"
    assert data.root.samefile(root)
    monkeypatch.chdir("/")
    assert open_data(location(data)) == data


def test_a_catalogued_data_set_is_opened_again_by_its_name() -> None:
    bring("sample")
    assert location(open_data("sample")) == "sample"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("offce31", "neither a folder nor a known data set; did you mean office31?"),
        ("sampel", "neither a folder nor a known data set; did you mean sample?"),
        ("zzz", "neither a folder nor a known data set; known: office31, sample"),
        ("./zzz", "a folder that is not there; check the path"),
        ("~nobody-of-that-name/zzz", "a folder that is not there; check the path"),
        (__file__, "a file, not a folder; unpack it"),
        ("a\nb\x1b", "neither a folder nor a known data set"),
    ],
)
def test_what_is_neither_a_name_nor_a_folder_is_misuse(given: str, said: str) -> None:
    with pytest.raises(Misuse) as caught:
        open_data(given)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


def test_in_place_of_a_folder_that_is_not_there_only_what_is_here_is_suggested() -> None:
    for name, here in (("sample", "sample"), ("office31", "office31 or sample")):
        bring(name)
        with pytest.raises(Misuse, match=f"check the path, or use {here}$"):
            open_data("/zzz")
