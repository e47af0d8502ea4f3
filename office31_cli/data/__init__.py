"""Photographs: where they come from, and how they are checked, decoded, cached and split."""
