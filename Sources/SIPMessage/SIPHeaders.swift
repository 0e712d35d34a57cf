/// The header fields of a message in their order, several of one name among them (RFC 3261 §7.3).
///
/// Content-Length is not among them after parsing: it is framing, and the serializer always writes the true one.
package struct SIPHeaders: Equatable, Sendable {
    package struct Field: Equatable, Sendable {
        package let name: SIPHeaderName
        /// Unfolded, without white space at its ends, never with a line end.
        package let value: String

        /// Line ends inside `value` become spaces: nothing that a user typed can begin another field.
        package init(_ name: SIPHeaderName, _ value: String) {
            self.name = name
            self.value = Self.clean(value)
        }

        init(name: SIPHeaderName, unfolded value: String) {
            self.name = name
            self.value = value
        }

        static func clean(_ value: String) -> String {
            func isBlank(_ byte: UInt8) -> Bool { Grammar.isWhitespace(byte) || byte == 0x0d || byte == 0x0a }
            let dirty = value.utf8.contains { $0 == 0x0d || $0 == 0x0a }
            let padded = value.utf8.first.map(isBlank) == true || value.utf8.last.map(isBlank) == true
            guard dirty || padded else { return value }
            var bytes = value.utf8.map { $0 == 0x0d || $0 == 0x0a ? 0x20 : $0 }[...]
            while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
            while let last = bytes.last, isBlank(last) { bytes.removeLast() }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    package private(set) var fields: [Field]

    package init(_ fields: [Field] = []) {
        self.fields = fields
    }

    /// The first value of this name. Setting replaces the first and removes the others; nil removes all.
    package subscript(name: SIPHeaderName) -> String? {
        get { fields.first { $0.name == name }?.value }
        set {
            guard let newValue else { return removeAll(name) }
            replaceAll(name, with: [newValue])
        }
    }

    package func contains(_ name: SIPHeaderName) -> Bool {
        fields.contains { $0.name == name }
    }

    /// The values of all fields of this name, each as it stood in its own line: commas are not split.
    package func values(_ name: SIPHeaderName) -> [String] {
        fields.compactMap { $0.name == name ? $0.value : nil }
    }

    package func count(_ name: SIPHeaderName) -> Int {
        fields.reduce(0) { $0 + ($1.name == name ? 1 : 0) }
    }

    package mutating func append(_ name: SIPHeaderName, _ value: String) {
        fields.append(Field(name, value))
    }

    package mutating func append(_ field: Field) {
        fields.append(field)
    }

    /// Before every field of the same name (Via, Route): at the head when there is none.
    package mutating func prepend(_ name: SIPHeaderName, _ value: String) {
        fields.insert(Field(name, value), at: fields.firstIndex { $0.name == name } ?? 0)
    }

    package mutating func removeAll(_ name: SIPHeaderName) {
        fields.removeAll { $0.name == name }
    }

    /// Puts `values` where the first field of this name stood, or at the end; the others of the name go.
    package mutating func replaceAll(_ name: SIPHeaderName, with values: [String]) {
        let at = fields.firstIndex { $0.name == name }
        fields.removeAll { $0.name == name }
        fields.insert(contentsOf: values.map { Field(name, $0) }, at: at ?? fields.count)
    }

    /// Appends every field of `name` from another message, unchanged.
    package mutating func copy(_ name: SIPHeaderName, from other: SIPHeaders) {
        fields += other.fields.filter { $0.name == name }
    }
}

extension SIPHeaders: CustomStringConvertible, CustomReflectable {
    package var description: String { "\(fields.count) header fields" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
