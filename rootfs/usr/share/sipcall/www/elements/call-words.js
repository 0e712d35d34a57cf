import { text } from '../language/language.js'

/** @typedef {import('../phone/call.js').Call} Call */

/**
 * What a service of the box is called, or the name that the caller's provider sent.
 *
 * @param {Call} call
 */
export function givenName(call) {
  const service = { '*43': text('serviceEcho'), '*44': text('serviceTone'), '*45': text('serviceDigits') }[call.party]
  return call.name || service || ''
}

/** @param {Call} call */
export function partyName(call) {
  const isWithheld = ['anonymous', 'unavailable'].includes(call.party.toLowerCase())
  return givenName(call) || (isWithheld ? '' : call.party) || text('unknownCaller')
}

/**
 * What is known of whether the caller's number is genuine; empty where nobody said.
 *
 * @param {Call} call
 */
export function verificationWords(call) {
  if (call.direction !== 'inbound') return ''
  switch (call.verification) {
    case 'passed':
      return text('verificationPassed')
    case 'failed':
      return text('verificationFailed')
    case 'not-done':
      return text('verificationNotDone')
    default:
      return ''
  }
}

/** @param {Call} call */
export function stateWords(call) {
  if (call.isSoundLost) return text('stateReconnecting')
  switch (call.state) {
    case 'dialling':
      return text('stateDialling')
    case 'ringing':
      return text('stateRinging')
    case 'early':
      return text('stateEarly')
    case 'active':
      return call.held.here ? text('stateHeldHere') : call.held.there ? text('stateHeldThere') : text('stateActive')
    case 'ended':
      return text('stateEnded')
    default:
      return call.direction === 'summoned' ? text('stateSummoned') : text('stateIncoming')
  }
}

/**
 * How long a call goes on, or went on, as a clock; empty before it is answered.
 *
 * @param {Call} call
 */
export function durationWords(call) {
  const seconds = call.lasted ?? (call.activeSince === null ? null : (performance.now() - call.activeSince) / 1000)
  return seconds === null ? '' : clock(Math.floor(seconds))
}

/** @param {number} seconds */
function clock(seconds) {
  const minutes = String(Math.floor(seconds / 60) % 60).padStart(2, '0')
  const rest = String(seconds % 60).padStart(2, '0')
  return seconds < 3600 ? `${minutes}:${rest}` : `${Math.floor(seconds / 3600)}:${minutes}:${rest}`
}
