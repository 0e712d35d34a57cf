import { text } from '../language/language.js'
import { durationWords, partyName, stateWords } from './call-words.js'
import { element, icon } from './element.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */
/** @typedef {import('../phone/call.js').Call} Call */

/** The calls that go on while another page is shown: whoever looks after an account neither misses nor loses one. */
class CallStripElement extends HTMLElement {
  /** @type {Phone} */
  phone
  #stop = new AbortController()
  #timer = 0
  /** @type {Map<Call, {row: HTMLElement, state: HTMLElement, buttons: HTMLElement, shown: string}>} */
  #rows = new Map()
  #news = element('p', { className: 'hidden-visually', role: 'alert' })

  connectedCallback() {
    this.setAttribute('role', 'region')
    this.setAttribute('aria-label', text('callsGoingOn'))
    this.append(this.#news)
    this.phone.addEventListener('change', () => this.#update(), { signal: this.#stop.signal })
    this.#timer = setInterval(() => this.#tick(), 500)
    this.#update()
  }

  disconnectedCallback() {
    this.#stop.abort()
    clearInterval(this.#timer)
  }

  #update() {
    const { live } = this.phone.calls
    this.hidden = live.length === 0
    for (const [call, { row }] of this.#rows) {
      if (live.includes(call)) continue
      row.remove()
      this.#rows.delete(call)
    }
    for (const call of live) {
      const known = this.#rows.get(call) ?? this.#add(call)
      if (known.shown === call.state) continue
      known.shown = call.state
      const hadFocus = known.buttons.contains(document.activeElement)
      known.buttons.replaceChildren(...this.#buttons(call))
      if (hadFocus) known.buttons.querySelector('button')?.focus()
    }
    const ringing = live.find((call) => call.state === 'incoming')
    const said = ringing ? text('titleIncoming', { party: partyName(ringing) }) : ''
    if (this.#news.textContent !== said) this.#news.textContent = said
    this.#tick()
  }

  /** @param {Call} call */
  #add(call) {
    const state = element('span', { className: 'strip-state' })
    const buttons = element('div', { className: 'choices' })
    const row = element('div', { className: 'strip', 'data-testid': 'strip' },
      element('p', { className: 'strip-words' }, element('strong', {}, partyName(call)), ' ', state), buttons)
    const made = { row, state, buttons, shown: '' }
    this.#rows.set(call, made)
    this.append(row)
    return made
  }

  /** @param {Call} call */
  #buttons(call) {
    const { desk } = this.phone
    const button = (/** @type {string} */ id, /** @type {any} */ picture, /** @type {string} */ words,
      /** @type {string} */ kind, /** @type {() => void} */ onclick) =>
      element('button', { type: 'button', className: kind, 'data-testid': id, onclick }, icon(picture), words)
    const toPhone = () => {
      location.hash = '#phone'
    }
    if (call.state !== 'incoming') {
      return [
        button('to-call', 'phone', text('toCall'), '', toPhone),
        button('strip-hangup', 'hangUp', text('hangUp'), 'error', () => desk.hangUp(call)),
      ]
    }
    return [
      button('strip-decline', 'hangUp', text('decline'), 'error', () => desk.hangUp(call)),
      button('strip-answer', 'phone', text('answer'), 'success', () => {
        desk.answer(call)
        toPhone()
      }),
    ]
  }

  #tick() {
    for (const [call, { state }] of this.#rows) {
      const words = [stateWords(call), durationWords(call)].filter(Boolean).join(' · ')
      if (state.textContent !== words) state.textContent = words
    }
  }
}

customElements.define('sc-call-strip', CallStripElement)
