"""The parts that a domain may be divided into on disk, and what people call them."""

TRAIN, VALIDATION, TEST = "train", "val", "test"

PARTS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
"""The part that each word means, in small letters."""
