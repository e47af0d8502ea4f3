"""How results look: tables and JSON made from the same rows. Imports no torch."""
