"""The one exception that the command line prints as a sentence, without a traceback."""


class SparringError(Exception):
    """A mistake that the user can mend: the message says what is wrong and what would work."""
