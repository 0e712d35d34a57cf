import Testing

/// All suites of the room run one after the other: the tests for leaks count objects of the whole process.
@Suite("SecureMedia", .serialized)
enum SecureMediaTests {}
