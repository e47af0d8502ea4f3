"""`python -m office31_cli` is `office31`."""

from office31_cli.cli.main import main

main()
