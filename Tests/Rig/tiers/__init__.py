"""Tests that need the network: with real SIP peers (interop), and with a real browser too (browser)."""
