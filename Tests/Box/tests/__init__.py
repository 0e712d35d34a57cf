"""The package on a real systemd."""
