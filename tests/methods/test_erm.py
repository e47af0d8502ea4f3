from office31_cli.methods.erm import Method
from tests.helpers.losses import STEP, source_and_target


def test_it_learns_from_the_source_alone() -> None:
    assert not Method.uses_target
    assert not Method.source_free
    assert Method().losses(*source_and_target(), STEP) == {}
    assert Method().settings() == {}
