"""What a prediction is worth: pure functions of arrays."""
