"""`python -m pocketbench` is the command `pocketbench`."""

from pocketbench.cli.main import main

if __name__ == "__main__":
    main()
