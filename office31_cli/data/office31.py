"""What is known about Office-31: its domains, its terms of use, and where it can be had."""

from dataclasses import dataclass

NAME = "office31"
TITLE = "Office-31"
DOMAINS = ("amazon", "dslr", "webcam")
CITATION = 'K. Saenko, B. Kulis, M. Fritz and T. Darrell, "Adapting Visual Category Models to New Domains", ECCV 2010'
LICENCE = f"for research use; cite {CITATION}"


@dataclass(frozen=True)
class Mirror:
    """A public source: its archives, each with the domain that it holds, or None where it holds all."""

    name: str
    archives: tuple[tuple[str, str | None], ...]


MIRRORS = (
    Mirror(
        "PyKale on GitHub",
        tuple((f"https://github.com/pykale/data/raw/main/images/office/{name}.zip", name) for name in DOMAINS),
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
"""Tried in this order: first those that can be resumed and rarely run out of quota."""
