// SecureMedia
