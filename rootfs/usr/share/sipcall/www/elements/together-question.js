import { text } from '../language/language.js'
import { partyName } from './call-words.js'
import { element } from './element.js'

/** @typedef {import('../phone/call.js').Call} Call */

/**
 * Asks before two calls become one: both leave this page by it, and nothing brings them back.
 *
 * @param {HTMLElement} place hidden again once it was answered
 * @param {Call} first
 * @param {Call} second
 * @param {{yes: () => void, no: () => void}} answered
 */
export function askTogether(place, first, second, answered) {
  const words = text('bringTogetherQuestion', { first: partyName(first), second: partyName(second) })
  const choose = (/** @type {() => void} */ then) => {
    place.hidden = true
    then()
  }
  const yes = element(
    'button',
    { type: 'button', className: 'primary', 'data-testid': 'together-yes', onclick: () => choose(answered.yes) },
    text('bringTogether'),
  )
  const no = element(
    'button', { type: 'button', 'data-testid': 'together-no', onclick: () => choose(answered.no) }, text('cancel'))
  place.replaceChildren(
    element('p', { id: 'together-question' }, words), element('div', { className: 'choices' }, no, yes))
  place.setAttribute('aria-labelledby', 'together-question')
  place.onkeydown = (event) => {
    if (event.key === 'Escape') choose(answered.no)
  }
  place.hidden = false
  yes.focus()
}
