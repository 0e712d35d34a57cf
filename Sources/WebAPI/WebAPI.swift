// WebAPI: what a browser sees of the box.
//
// In the room: the HTTP routes and their problems (RFC 9110, 9457), the session cookie (RFC 6265), the admin
// password (scrypt, RFC 7914), the page's files with their security headers, the phone socket (RFC 6455) and
// JSON-RPC 2.0 on it.
// Never in the room: SIP, RTP, and the state of a call beyond what a page has to be told. Whatever has to be done is
// asked of the core over the control socket, so that the page works on while the core restarts.
//
//     request ─▶ RequestDeadline ─▶ UpgradeGate ─▶ Hummingbird ─▶ WebResponder ─▶ session, status, static file
//                                       └─ /api/v1/phone ─▶ PhoneSocket ─▶ PhoneHub ─▶ ControlClient ─▶ core
