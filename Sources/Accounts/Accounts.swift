/// People and programs that may use the box: who they are, what they may do, and how they prove it.
///
///     AccountStore ── accounts, invitations, API tokens, sessions ──▶ accounts.sqlite
///     Account, Role            who, and what a role may do
///     PasswordHash             scrypt
///     OneTimePassword          TOTP, and RecoveryCodes for the day the telephone is lost
///     RefreshTokens            the cookie's value: good once, noticed when it comes twice
///     AccessTokens             JWT, good for minutes, made from a session
///
/// What a thief of the file gets: names, roles, when and from where somebody signed in, the secrets of one-time passwords,
/// and hashes. No password (scrypt), no session, no API token and no invitation (SHA-256 of 256 random bits each).
enum Accounts {}
