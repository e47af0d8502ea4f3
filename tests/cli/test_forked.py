"""The commands of these tests are quick: they run in children of a process that has imported what they need."""

import pytest

from tests.helpers import command_client
from tests.helpers.real_command import Command, Process


@pytest.mark.skipif(not command_client.POSSIBLE, reason="every command has a fresh interpreter here")
@pytest.mark.parametrize("process", ["light", "slow"])
def test_a_command_is_forked_whatever_the_tests_have_imported(run: Command, process: Process) -> None:
    before = command_client.seconds
    assert run("--version", process=process).code == 0
    assert command_client.seconds > before
