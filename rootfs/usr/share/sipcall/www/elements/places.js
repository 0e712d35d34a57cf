/** @typedef {import('../phone/session.js').Person} Person */
/** @typedef {'phone' | 'people' | 'account'} Place */

/**
 * The pages that somebody may see, in the order of the navigation.
 *
 * @param {Person | null} person
 * @returns {Place[]}
 */
export function places(person) {
  return person?.role === 'user' || !person ? ['phone', 'account'] : ['phone', 'people', 'account']
}

/**
 * Which page the address asks for; the telephone when it asks for none, or for one that this person may not see.
 *
 * @param {Person | null} person
 */
export function place(person) {
  const wanted = /** @type {Place} */ (location.hash.slice(1))
  return places(person).includes(wanted) ? wanted : 'phone'
}
