"""The box against Kamailio and baresip, steered over the phone socket, without a browser."""
