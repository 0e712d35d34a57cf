"""What is measured side by side with a peer. See `packaging/bench`."""
