/// Who pays for a call: a user of the box. Named, never printed.
package struct CallOwner: Hashable, Sendable, Codable {
    package let name: String

    package init(_ name: String) {
        self.name = name
    }
}

extension CallOwner: CustomStringConvertible, CustomReflectable {
    package var description: String { "‹redacted›" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
