/** Passwords that are tried before all others; and what this box is called. */
const COMMON = [
  'password', 'passwort', 'kennwort', 'geheim', 'qwertz', 'qwerty', 'asdf', 'letmein', 'welcome', 'willkommen', 'hallo', 'iloveyou',
  'dragon', 'monkey', 'master', 'admin', 'sipcall', 'telefon', 'telephone', 'schatz', 'sommer', 'summer', 'winter', 'berlin',
]
/** Bits from which on a password has the next level. */
const LEVELS = [28, 42, 56, 70]
/** What a word adds at most: as one of some thousand. */
const WORD_BITS = 12

/**
 * How hard a password is to guess for somebody who has its hash, roughly: 0 (at once) to 4 (not in a life).
 *
 * A hint, never a rule: the box itself asks for a length alone.
 *
 * @param {string} password
 * @param {string[]} [known] what everybody knows about its owner
 * @returns {number}
 */
export function passwordStrength(password, known = []) {
  let rest = password.toLowerCase()
  let bits = 0
  for (const word of [...known.map((name) => name.toLowerCase()).filter((name) => name.length > 2), ...COMMON]) {
    const parts = rest.split(word)
    bits += parts.length > 1 ? 4 : 0
    rest = parts.join(' ')
  }
  for (const part of rest.match(/\p{L}+|\p{N}+|[^\p{L}\p{N}]+/gu) ?? []) {
    const characters = steps(part)
    if (/^\p{L}/u.test(part)) bits += Math.min(characters * 4.7, part.length > 4 ? WORD_BITS + Math.max(0, characters - 8) : 99)
    else if (/^\p{N}/u.test(part)) bits += characters * 3.3
    else bits += Math.min(characters, 3) * 3
  }
  // Capitals within, not only at the beginning.
  bits += Math.min((password.slice(1).match(/\p{Lu}/gu) ?? []).length, 6)
  return LEVELS.filter((level) => bits >= level).length
}

/**
 * Characters that do not follow from the one before: `aaaa` is one, `abcd` and `4321` are too.
 *
 * @param {string} part
 */
function steps(part) {
  let count = 0
  let former = NaN
  for (const character of part) {
    const code = character.codePointAt(0) ?? 0
    if (!(Math.abs(code - former) <= 1)) count += 1
    former = code
  }
  return count
}
