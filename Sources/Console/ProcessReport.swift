/// What the kernel says about one process of the box; what this user may not see is missing.
package struct ProcessReport: Codable, Sendable, Equatable {
    /// `core`, `web`
    package var part: String
    package var process: Int
    package var residentBytes: Int?
    package var openDescriptors: Int?
    package var threads: Int?
    /// The program that runs is no longer the one on the disk: it was upgraded and not started anew.
    package var isOutdated: Bool

    package init(
        part: String, process: Int, residentBytes: Int? = nil, openDescriptors: Int? = nil, threads: Int? = nil,
        isOutdated: Bool = false
    ) {
        self.part = part
        self.process = process
        self.residentBytes = residentBytes
        self.openDescriptors = openDescriptors
        self.threads = threads
        self.isOutdated = isOutdated
    }
}
