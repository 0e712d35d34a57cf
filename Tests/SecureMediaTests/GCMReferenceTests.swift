import COpenSSL
import SecureMedia
import Testing
import Wire

extension SecureMediaTests {
    @Suite("RFC 7714 §8 and §9 AEAD_AES_128_GCM, computed a second time")
    struct GCMReferenceTests {
        static let master = (0..<28).map { UInt8($0 &* 9 &+ 3) }

        /// RFC 3711 §4.3: the AES-CM keystream under the master key, from salt and label. The 96-bit salt of GCM
        /// counts as one of 112 bits that ends in zeros (RFC 7714 §11).
        static func derive(label: UInt8, count: Int) -> [UInt8] {
            var vector = Array(master[16...]) + [0, 0, 0, 0]
            vector[7] ^= label
            let context = EVP_CIPHER_CTX_new()
            defer { EVP_CIPHER_CTX_free(context) }
            var stream = [UInt8](repeating: 0, count: count)
            var written: Int32 = 0
            EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), nil, Array(master[..<16]), vector)
            EVP_EncryptUpdate(context, &stream, &written, [UInt8](repeating: 0, count: count), Int32(count))
            return stream
        }

        /// Cipher text and tag.
        static func seal(_ plain: [UInt8], key: [UInt8], vector: [UInt8], associated: [UInt8]) -> [UInt8] {
            let context = EVP_CIPHER_CTX_new()
            defer { EVP_CIPHER_CTX_free(context) }
            var sealed = [UInt8](repeating: 0, count: plain.count)
            var tag = [UInt8](repeating: 0, count: 16)
            var written: Int32 = 0
            EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nil, key, vector)
            EVP_EncryptUpdate(context, nil, &written, associated, Int32(associated.count))
            EVP_EncryptUpdate(context, &sealed, &written, plain, Int32(plain.count))
            EVP_EncryptFinal_ex(context, nil, &written)
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, &tag)
            return sealed + tag
        }

        static func session() throws -> SRTPSession {
            let secret = Redacted(master)
            return try SRTPSession(keys: SRTPKeys(profile: .aeadAES128GCM, client: secret, server: secret))
        }

        @Test("an RTP packet is protected as the RFC says")
        func media() throws {
            let packet = SRTPSessionTests.rtp(sequence: 0xf17b, ssrc: 0x5501_a0b2)
            let key = Self.derive(label: 0, count: 16)
            let salt = Self.derive(label: 2, count: 12)
            let counter: [UInt8] = [0, 0, 0x55, 0x01, 0xa0, 0xb2, 0, 0, 0, 0, 0xf1, 0x7b]
            let expected =
                packet[..<12]
                + Self.seal(
                    Array(packet[12...]), key: key, vector: zip(salt, counter).map { $0 ^ $1 },
                    associated: Array(packet[..<12]))
            #expect(try SRTPSessionTests.run(packet, Self.session().protectRTP) == Array(expected))
        }

        @Test("an RTCP packet is protected as the RFC says")
        func control() throws {
            let packet = SRTPSessionTests.rtcp(ssrc: 0x4d61_7273) + [9, 8, 7, 6]
            let key = Self.derive(label: 3, count: 16)
            let salt = Self.derive(label: 5, count: 12)
            let secret = try SRTPSessionTests.run(packet, Self.session().protectRTCP)
            // libsrtp's first index is 1 or 0 by version; it stands in the packet, the E flag before it.
            let index = Array(secret.suffix(4))
            let counter: [UInt8] = [0, 0, 0x4d, 0x61, 0x72, 0x73, 0, 0, index[0] & 0x7f] + index[1...]
            let sealed = Self.seal(
                Array(packet[8...]), key: key, vector: zip(salt, counter).map { $0 ^ $1 },
                associated: Array(packet[..<8]) + index)
            #expect(index[0] & 0x80 != 0)
            #expect(secret == packet[..<8] + sealed + index)
        }
    }
}
