"""What the rig needs of OpenSSL: ciphers with authentication, and X25519."""

import ctypes
import ctypes.util

_library = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
for _name in (
    "EVP_CIPHER_CTX_new", "EVP_aes_256_gcm", "EVP_chacha20_poly1305", "EVP_PKEY_new_raw_private_key",
    "EVP_PKEY_new_raw_public_key", "EVP_PKEY_CTX_new",
):  # fmt: skip
    getattr(_library, _name).restype = ctypes.c_void_p
_X25519 = 1034


class Cipher:
    """One context of OpenSSL's, used again and again."""

    def __init__(self, name: str) -> None:
        self._context = ctypes.c_void_p(_library.EVP_CIPHER_CTX_new())
        self._cipher = ctypes.c_void_p(getattr(_library, name)())
        self._buffer, self._tag = ctypes.create_string_buffer(8192), ctypes.create_string_buffer(16)
        self._count = ctypes.c_int()

    def seal(self, key: bytes, nonce: bytes, content: bytes, associated: bytes) -> bytes:
        """Ciphertext and tag."""
        context, count = self._context, ctypes.byref(self._count)
        _library.EVP_EncryptInit_ex(context, self._cipher, None, key, nonce)
        _library.EVP_EncryptUpdate(context, None, count, associated, len(associated))
        _library.EVP_EncryptUpdate(context, self._buffer, count, content, len(content))
        _library.EVP_EncryptFinal_ex(context, self._tag, count)
        _library.EVP_CIPHER_CTX_ctrl(context, 0x10, 16, self._tag)
        return self._buffer.raw[: len(content)] + self._tag.raw


def exchange(secret: bytes, public: bytes | None) -> bytes:
    """RFC 7748; without a public key that of the secret one."""
    own = ctypes.c_void_p(_library.EVP_PKEY_new_raw_private_key(_X25519, None, secret, 32))
    buffer, size = ctypes.create_string_buffer(32), ctypes.c_size_t(32)
    if public is None:
        _library.EVP_PKEY_get_raw_public_key(own, buffer, ctypes.byref(size))
    else:
        peer = ctypes.c_void_p(_library.EVP_PKEY_new_raw_public_key(_X25519, None, public, 32))
        context = ctypes.c_void_p(_library.EVP_PKEY_CTX_new(own, None))
        _library.EVP_PKEY_derive_init(context)
        _library.EVP_PKEY_derive_set_peer(context, peer)
        _library.EVP_PKEY_derive(context, buffer, ctypes.byref(size))
        _library.EVP_PKEY_CTX_free(context)
        _library.EVP_PKEY_free(peer)
    _library.EVP_PKEY_free(own)
    return buffer.raw
