from office31_cli.data import sets
from office31_cli.data.published import PublishedRow, choose_by_method, nearest_network, rows_of_network
from office31_cli.models.catalogue import check_backbone


def rows(network: str) -> list[PublishedRow]:
    return rows_of_network(sets.load("office31").published, network)


def test_of_several_rows_of_a_method_the_one_chosen_with_fewest_labels_counts() -> None:
    known = choose_by_method(rows("ResNet-50"))
    assert len([row for row in rows("ResNet-50") if row.name == "dann"]) == 2
    chosen = {name: (round(100 * known[name].average, 1), known[name].selection) for name in ("dann", "shot", "mcc")}
    assert chosen == {
        "dann": (82.2, "unknown"),
        "shot": (88.6, "last iteration"),
        "mcc": (89.6, "best epoch on target test"),
    }


def test_among_equals_the_first_counts() -> None:
    named = [row for row in rows("alexnet") if row.name == "cdan"]
    assert len(named) == 2
    assert choose_by_method(rows("alexnet"))["cdan"] == named[0]


def test_each_backbone_has_the_rows_of_the_network_that_it_comes_nearest_to() -> None:
    for backbone, network in (("squeezenet1_0", "AlexNet"), ("alexnet", "AlexNet"), ("resnet50", "ResNet-50")):
        check_backbone(backbone)
        assert nearest_network(backbone) == network
        assert rows(network)
    assert nearest_network("convnet") is None
