"""Office-31: 31 items of an office as a web shop, a good camera and a webcam see them."""

from office31_cli.data.mirrors import Mirror
from office31_cli.data.sets.base import ArchivedDataSet


class Set(ArchivedDataSet):
    """Its manifest was made once from the original distribution; all 4,110 photographs are RGB JPEGs."""

    title = "Office-31"
    licence = "for research use"
    licence_name = "research-use"
    citation = (
        'K. Saenko, B. Kulis, M. Fritz and T. Darrell, "Adapting Visual Category Models to New Domains", ECCV 2010'
    )
    command = "office31 download"
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
