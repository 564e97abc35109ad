"""What is released: locked requirements, the archive, and upgrading."""
