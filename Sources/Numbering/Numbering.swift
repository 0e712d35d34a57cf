// Numbering: what people dial, made into one international number, and what kind of number that is.
//
// In the room: E.164 normalisation for a country's habits, emergency and short numbers, number kinds and regions.
// Never in the room: who may call what (that is the dialling policy of `Call`), prices, SIP, files.
// It answers to ITU-T E.164 and E.123, RFC 3966 (tel URIs), RFC 5031 (emergency service URNs).
//
// libphonenumber is the well-kept library of this field, but C++ and Java: only its data is here, turned into tables of
// prefixes by packaging/number-plans. Its patterns never meet a dialled text.
