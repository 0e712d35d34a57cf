/// How text looks on a terminal; plain where colours are not wanted.
package struct Style: Sendable {
    private let isColoured: Bool

    package init(isColoured: Bool) {
        self.isColoured = isColoured
    }

    package func good(_ text: String) -> String { paint(text, "32;1") }
    package func warning(_ text: String) -> String { paint(text, "33;1") }
    package func bad(_ text: String) -> String { paint(text, "31;1") }
    package func faint(_ text: String) -> String { paint(text, "2") }
    package func strong(_ text: String) -> String { paint(text, "1") }

    private func paint(_ text: String, _ code: String) -> String {
        isColoured && !text.isEmpty ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }
}
