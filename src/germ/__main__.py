"""`python -m germ`: the command line where the script is not on the path."""

from germ.cli import main

if __name__ == "__main__":
    main()
