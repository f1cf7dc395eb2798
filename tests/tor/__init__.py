"""A drop as it is installed, reached through a Tor network of our own."""
