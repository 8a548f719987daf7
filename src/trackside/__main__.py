"""`python -m trackside` is the command `trackside`."""

from trackside.cli import main

main()
