"""From a stored model back to a network."""

from safetensors import SafetensorError
from safetensors.torch import load_file

from office31_cli.errors import Failed, Refused
from office31_cli.models.network import Architecture, Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.state_dict import load_weights
from office31_cli.outputs.choice import Kind as Choice
from office31_cli.registry import Entry


def load_network(entry: Entry) -> tuple[Network, Preprocessing]:
    """The stored network and what its photographs go through.

    Raises `Refused` where the stored bytes are not those that were published, and `Failed` where the card
    describes a network that this version cannot build.
    """
    path = entry.verified_path()
    try:
        architecture = Architecture.from_json(entry.card.network)
        preprocessing = Preprocessing.from_json(entry.card.preprocessing)
        network = Network(architecture)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:  # torch's errors are RuntimeErrors
        raise Failed(
            f"model {entry.name}", f"its card describes no network that can be built ({error})", "upgrade office31-cli"
        ) from None
    item = architecture.outputs.by_column().get("item")
    if not isinstance(item, Choice) or item.labels != entry.card.items:
        raise Refused(str(path), "it does not answer which item it is", "remove the model with: office31 models rm")
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise Refused(str(path), f"it cannot be read ({error})", "remove the model with: office31 models rm") from None
    try:
        load_weights(network, tensors, finite=not entry.card.configuration.get("allow_nonfinite"))
    except Failed as error:
        raise Refused(str(path), error.why, "remove the model with: office31 models rm") from None
    return network, preprocessing
