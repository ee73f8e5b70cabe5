"""The one exception that the command line prints as a sentence, and the exit statuses that processes agree on."""

MISTAKE = 2  # after a sentence that tells the user what is wrong
INTERRUPTED = 130  # after a Ctrl-C, as shells count it


class SparringError(Exception):
    """A mistake that the user can mend: the message says what is wrong and what would work."""
