"""The box against other SIP implementations: what is played, and what both sides must see."""
