"""Machines with a real systemd as PID 1 for the Debian package: installed, watched, upgraded, rebooted, purged."""
