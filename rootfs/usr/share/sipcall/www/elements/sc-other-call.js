import { sentence, text } from '../language/language.js'
import { durationWords, givenName, partyName, stateWords } from './call-words.js'
import { element, icon } from './element.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */
/** @typedef {import('../phone/call.js').Call} Call */

/** A call beside the one in front: one that waits to be answered, or one on hold. */
export class OtherCallElement extends HTMLElement {
  /** @type {Phone} */
  phone
  /** @type {Call} */
  call
  #shown = ''

  #party = element('h2', { className: 'other-party' })
  #state = element('p', { className: 'other-state', 'data-testid': 'other-state' })
  #problem = element('p', { className: 'problem', role: 'alert', hidden: true, 'data-testid': 'other-problem' })
  #buttons = element('div', { className: 'choices' })

  connectedCallback() {
    this.setAttribute('role', 'group')
    this.dataset.testid = 'other-call'
    this.append(
      element('div', { className: 'other-head' },
        element('div', { className: 'avatar small' }, icon('person')),
        element('div', { className: 'other-words' }, this.#party, this.#state)),
      this.#problem,
      this.#buttons,
    )
  }

  update() {
    const { call } = this
    const { desk } = this.phone
    const party = partyName(call)
    show(this.#party, party)
    this.setAttribute('aria-label', text('otherCall', { party }))
    this.dataset.state = call.state
    this.tick()
    const said = call.problem ? sentence(call.problem) : ''
    this.#problem.hidden = !said
    show(this.#problem, said)
    const price = call.state === 'incoming' ? desk.whatAnswerDoes(call) : null
    const shown = `${call.state} ${price} ${desk.joining !== null} ${desk.partner === call}`
    if (shown === this.#shown) return
    this.#shown = shown
    const hadFocus = this.contains(document.activeElement)
    this.#buttons.replaceChildren(...this.#choices(price))
    if (hadFocus) this.querySelector('button')?.focus()
  }

  /** Once a second or so. */
  tick() {
    const { call } = this
    const number = givenName(call) ? call.party : ''
    show(this.#state, [number, stateWords(call), durationWords(call)].filter(Boolean).join(' · '))
  }

  /** @param {'end' | 'hold' | null} price what the answer does to the call in front */
  #choices(price) {
    const { call } = this
    const { desk } = this.phone
    if (call.state === 'incoming') {
      const words = price === null ? text('answer') : text(price === 'hold' ? 'holdAndAnswer' : 'endAndAnswer')
      return [
        button('waiting-decline', 'hangUp', text('decline'), 'error', () => desk.hangUp(call)),
        button('waiting-answer', 'phone', words, 'success', () => desk.answer(call)),
      ]
    }
    if (desk.partner !== call) return []
    const together = button('together', 'together', text(desk.joining ? 'bringingTogether' : 'bringTogether'), '',
      () => this.dispatchEvent(new Event('together', { bubbles: true })))
    together.disabled = desk.joining !== null
    const swap = button('swap', 'swap', text('swap'), '', () => desk.swap())
    swap.disabled = desk.joining !== null
    return [swap, together]
  }
}

/**
 * @param {string} testID
 * @param {Parameters<typeof icon>[0]} picture
 * @param {string} name
 * @param {string} kind
 * @param {() => void} pressed
 */
function button(testID, picture, name, kind, pressed) {
  return element(
    'button', { type: 'button', className: kind, 'data-testid': testID, onclick: pressed }, icon(picture), name)
}

/**
 * @param {HTMLElement} place
 * @param {string} words
 */
function show(place, words) {
  if (place.textContent !== words) place.textContent = words
}

customElements.define('sc-other-call', OtherCallElement)
