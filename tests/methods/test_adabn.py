import torch
from torch import nn

from office31_cli.methods.adabn import Method
from tests.helpers.losses import STEP, source_and_target


def test_one_pass_leaves_the_mean_of_all_batches_statistics() -> None:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5))
    for _ in range(10):
        body(100 + torch.randn(8, 4))  # the source
    batches = [torch.randn(8, 4) for _ in range(3)]
    Method().prepare(body, nn.Linear(5, 3))
    for batch in batches:
        body(batch)
    seen = torch.stack([body[0](batch) for batch in batches])
    torch.testing.assert_close(body[1].running_mean, seen.mean((0, 1)))
    torch.testing.assert_close(body[1].running_var, seen.var(1).mean(0))


def test_every_batch_norm_of_whatever_dimensions_is_reset_and_nothing_else() -> None:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 5), nn.BatchNorm1d(5))
    body(5 + torch.randn(8, 3, 1, 1))
    before = {name: tensor.clone() for name, tensor in body.state_dict().items()}
    Method().prepare(body, nn.Linear(5, 3))
    changed = {name for name, tensor in body.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {
        f"{layer}.{name}" for layer in (1, 4) for name in ("running_mean", "running_var", "num_batches_tracked")
    }


def test_it_has_no_losses_and_no_source() -> None:
    assert Method.source_free
    assert Method.passes == 1
    assert Method().losses(*source_and_target(), STEP) == {}
