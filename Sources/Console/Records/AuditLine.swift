package import Wire

/// One entry of the audit log, as `GET /api/v1/audit` tells it.
package struct AuditLine: Codable, Sendable, Equatable {
    package var number: Int64
    package var time: WallTime?
    package var actor: String?
    package var action: String?
    package var detail: String?

    package init(
        number: Int64, time: WallTime? = nil, actor: String? = nil, action: String? = nil, detail: String? = nil
    ) {
        (self.number, self.time, self.actor, self.action, self.detail) = (number, time, actor, action, detail)
    }

    /// `17  2026-11-25T13:20:01.123Z  admin  session.sign-in  from 192.0.2.1`
    package func line(_ style: Style) -> String {
        guard let time, let action else {
            return "\(number)".padded(8) + style.warning("cannot be read; its key is destroyed, or it is damaged")
        }
        func plain(_ text: String) -> String {
            text.filter { !$0.isNewline && $0.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 } }
        }
        return "\(number)".padded(8) + style.faint("\(time)".padded(26)) + plain(actor ?? "").padded(16)
            + plain(action).padded(24) + plain(detail ?? "")
    }
}

package struct AuditLines: Decodable, Sendable {
    package var entries: [AuditLine]
    package var next: Int64?
}
