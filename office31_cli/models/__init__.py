"""Networks: a backbone, a bottleneck and outputs, with the preprocessing that travels with them."""
