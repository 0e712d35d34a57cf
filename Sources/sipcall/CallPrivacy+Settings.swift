import Ledger
import Settings

extension CallPrivacy {
    init(_ keeping: LedgerKeeping.FarNumbers) {
        switch keeping {
        case .full: self = .full
        case .lastTwo: self = .lastDigits
        case .none: self = .nothing
        }
    }
}
