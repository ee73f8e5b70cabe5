"""Numbers that judge what a generator makes: pictures -> features -> statistics -> a number with its protocol."""
