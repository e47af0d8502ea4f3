"""Office-31: 31 items of an office as a web shop, a good camera and a webcam see them."""

from types import MappingProxyType

from office31_cli.data.mirrors import Mirror
from office31_cli.data.sets.base import ArchivedDataSet, ItemSplit

_SHARED = (
    "back_pack",
    "bike",
    "calculator",
    "headphones",
    "keyboard",
    "laptop_computer",
    "monitor",
    "mouse",
    "mug",
    "projector",
)
"""The items that Caltech-256 has too (Saito and others 2018 and 2020, whose splits these are)."""

_OF_THE_SOURCE = (
    "bike_helmet",
    "bookcase",
    "bottle",
    "desk_chair",
    "desk_lamp",
    "desktop_computer",
    "file_cabinet",
    "letter_tray",
    "mobile_phone",
    "paper_notebook",
)
"""The first ten of the others, in alphabetical order."""

_OF_THE_TARGET = (
    "pen",
    "phone",
    "printer",
    "punchers",
    "ring_binder",
    "ruler",
    "scissors",
    "speaker",
    "stapler",
    "tape_dispenser",
    "trash_can",
)


class Set(ArchivedDataSet):
    """Its manifest was made once from the original distribution; all 4,110 photographs are RGB JPEGs."""

    title = "Office-31"
    licence = "for research use"
    licence_name = "research-use"
    citation = (
        'K. Saenko, B. Kulis, M. Fritz and T. Darrell, "Adapting Visual Category Models to New Domains", ECCV 2010'
    )
    command = "office31 download"
    splits = MappingProxyType(
        {
            "partial": ItemSplit(_SHARED + _OF_THE_SOURCE + _OF_THE_TARGET, _SHARED),
            "open": ItemSplit(_SHARED, _SHARED + _OF_THE_TARGET),
            "universal": ItemSplit(_SHARED + _OF_THE_SOURCE, _SHARED + _OF_THE_TARGET),
        }
    )
    mirrors = (  # first those that can be resumed and rarely run out of quota
        Mirror(
            "PyKale on GitHub",
            tuple(
                (f"https://github.com/pykale/data/raw/main/images/office/{name}.zip", name)
                for name in ("amazon", "dslr", "webcam")
            ),
        ),
        Mirror(
            "DDC on GitHub",
            (("https://github.com/syorami/DDC-transfer-learning/raw/master/data/Office31.tar", None),),
        ),
        Mirror(
            "Tsinghua cloud",
            (
                ("https://cloud.tsinghua.edu.cn/f/ec12dfcddade43ab8101/?dl=1", "amazon"),
                ("https://cloud.tsinghua.edu.cn/f/a41d818ae2f34da7bb32/?dl=1", "dslr"),
                ("https://cloud.tsinghua.edu.cn/f/8a41009a166e4131adcd/?dl=1", "webcam"),
            ),
        ),
        Mirror(  # the original; `confirm` skips the page that asks whether to go on without a virus scan
            "Google Drive",
            (
                (
                    "https://drive.usercontent.google.com/download"
                    "?id=0B4IapRTv9pJ1WGZVd1VDMmhwdlE&export=download&confirm=t",
                    None,
                ),
            ),
        ),
    )
