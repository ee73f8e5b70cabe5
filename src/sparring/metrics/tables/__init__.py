"""How good the rows of a table are, and how private: columns, pairs of columns, what can be learnt, and copies."""
