"""Tables: a CSV or a data frame into rows of numbers, and samples back into columns as they were."""
