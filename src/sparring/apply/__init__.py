"""`sparring apply`: from users' files to files, through a network that makes pictures from pictures."""
