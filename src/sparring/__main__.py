"""`python -m sparring`, so that torchrun and other launchers can start it."""

from sparring.cli import main

if __name__ == "__main__":
    main()
