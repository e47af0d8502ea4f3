"""The Python API: one entry for each command, and nothing else."""
