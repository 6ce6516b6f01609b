"""`python -m pinako`: the same as the `pinako` program."""

from pinako.cli import main

if __name__ == "__main__":
    main()
