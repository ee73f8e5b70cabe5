"""Two sides of pictures: one to be made, and the other to make it from."""
