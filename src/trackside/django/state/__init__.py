"""What the tracker of this process is made of and how it is doing, for the admin."""
