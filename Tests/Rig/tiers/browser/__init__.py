"""The box, its page in Chromium, Kamailio and baresip."""
