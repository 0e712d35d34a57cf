import { sentence, text } from '../language/language.js'
import { element, icon } from './element.js'
import { keypad } from './keypad.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */
/** @typedef {import('../phone/call.js').Call} Call */

/** One call: who, how far, how long, and everything that can be done with it. */
class CallElement extends HTMLElement {
  /** @type {Phone} */
  phone
  #stop = new AbortController()
  #timer = 0
  #keypadOpen = false
  /** @type {Call | null} */
  #call = null
  #shownState = ''

  #party = element('h1', { className: 'party' })
  #number = element('p', { className: 'party-number' })
  #state = element('p', { className: 'state', role: 'status', 'data-testid': 'state' })
  #duration = element('p', { className: 'duration', 'data-testid': 'duration', role: 'timer', 'aria-live': 'off' })
  #problem = element('p', { className: 'problem', role: 'alert', 'data-testid': 'problem' })
  #away = element('p', { className: 'hint', role: 'status', 'data-testid': 'reconnecting', hidden: true })
  #digits = element('dl', { className: 'digits' })
  #keypad = keypad((digit) => this.phone.press(digit))
  #transfer = transferForm((number) => {
    this.#transfer.hidden = true
    this.phone.transfer(number)
  })
  #controls = element('div', { className: 'controls' })

  connectedCallback() {
    this.append(
      element(
        'section',
        { className: 'card call', 'aria-label': text('call') },
        element('div', { className: 'avatar' }, icon('person')),
        this.#party,
        this.#number,
        this.#state,
        this.#duration,
        this.#problem,
        this.#away,
        this.#digits,
        this.#keypad,
        this.#transfer,
        this.#controls,
      ),
    )
    const { signal } = this.#stop
    this.phone.addEventListener('change', () => this.#update(), { signal })
    document.addEventListener('keydown', (event) => this.#typed(event), { signal })
    this.#timer = setInterval(() => this.#tick(), 250)
    this.#update()
  }

  disconnectedCallback() {
    this.#stop.abort()
    clearInterval(this.#timer)
  }

  #update() {
    const call = this.phone.call
    if (!call) return
    if (call !== this.#call) {
      this.#call = call
      this.#shownState = ''
      this.#keypadOpen = call.party === '*45'
    }
    const service = { '*43': text('serviceEcho'), '*44': text('serviceTone'), '*45': text('serviceDigits') }[call.party]
    const name = call.name || service || ''
    this.#party.textContent = call.direction === 'summoned' && call.state === 'incoming'
      ? text('callTo', { party: call.party })
      : name || call.party || text('unknownCaller')
    this.#number.textContent = name ? call.party : ''
    this.#number.hidden = !name
    const words = {
      dialling: text('stateDialling'),
      ringing: text('stateRinging'),
      early: text('stateEarly'),
      active: call.held.here
        ? text('stateHeldHere')
        : call.held.there ? text('stateHeldThere') : text('stateActive'),
      ended: text('stateEnded'),
      incoming: call.direction === 'summoned' ? text('stateSummoned') : text('stateIncoming'),
    }[call.state]
    if (this.#state.textContent !== words) this.#state.textContent = words
    this.#state.dataset.state = call.state
    this.dataset.state = call.state
    const problem = call.problem
    this.#problem.hidden = !problem
    this.#problem.dataset.code = problem?.code ?? ''
    const calm = [
      'call.hung-up-here', 'call.hung-up-there', 'call.declined', 'call.cancelled', 'call.answered-elsewhere',
      'call.forwarded',
    ]
    this.#problem.classList.toggle('calm', calm.includes(problem?.code ?? ''))
    const said = problem ? sentence(problem) : ''
    if (this.#problem.textContent !== said) this.#problem.textContent = said
    const away = !this.phone.connected && call.state !== 'ended'
    this.#away.hidden = !away
    const waiting = away ? text('reconnecting') : ''
    if (this.#away.textContent !== waiting) this.#away.textContent = waiting
    this.#showDigits(call)
    if (call.state !== this.#shownState) this.#showControls(call)
    this.#keypad.hidden = !this.#keypadOpen || call.state === 'ended' || call.state === 'incoming'
    if (call.state !== 'active') this.#transfer.hidden = true
    const mute = this.#controls.querySelector('[data-testid=mute]')
    if (mute) this.#showMute(/** @type {HTMLButtonElement} */ (mute), call)
    this.#controls.querySelector('[data-testid=hold]')?.setAttribute('aria-pressed', String(call.held.here))
    this.#tick()
  }

  /** @param {Call} call */
  #showControls(call) {
    const hadFocus = this.contains(document.activeElement) || document.activeElement === document.body
    this.#shownState = call.state
    const hangUp = this.#button('hangup', 'hangUp', text('hangUp'), 'error', () => this.phone.hangUp())
    if (call.state === 'incoming') {
      this.#controls.replaceChildren(
        this.#button('decline', 'hangUp', text('decline'), 'error', () => this.phone.hangUp()),
        this.#button('answer', 'phone', text('answer'), 'success', () => this.phone.answer()),
      )
    } else if (call.state === 'ended') {
      const again = this.#button('redial', 'phone', text('dialAgain'), 'success', () => this.phone.dial(call.party))
      const close = element(
        'button', { className: 'primary', 'data-testid': 'close', onclick: () => this.phone.dismiss() }, text('close'))
      this.#controls.replaceChildren(close, ...(call.direction === 'inbound' ? [] : [again]))
    } else {
      const keys = this.#button('keypad', 'keypad', text('keypad'), 'plain', () => {
        this.#keypadOpen = !this.#keypadOpen
        keys.querySelector('button')?.setAttribute('aria-expanded', String(this.#keypadOpen))
        this.#update()
      })
      keys.querySelector('button')?.setAttribute('aria-expanded', String(this.#keypadOpen))
      const mute = this.#button('mute', 'microphone', text('mute'), 'plain', () => call.mute(!call.muted))
      // A service of the box has nobody who would wait.
      const isWithSomebody = call.state === 'active' && !call.party.startsWith('*')
      const hold = this.#button('hold', 'pause', text('hold'), 'plain', () => this.phone.hold(!call.held.here))
      const transfer = this.#button('transfer', 'transfer', text('transfer'), 'plain', () => {
        this.#transfer.hidden = !this.#transfer.hidden
        this.#transfer.querySelector('input')?.focus()
      })
      this.#controls.replaceChildren(mute, ...(isWithSomebody ? [hold, transfer] : []), keys, hangUp)
    }
    const first = { incoming: 'answer', ended: 'close' }[/** @type {string} */ (call.state)] ?? 'hangup'
    if (hadFocus) /** @type {HTMLElement | null} */ (this.#controls.querySelector(`[data-testid=${first}]`))?.focus()
  }

  /**
   * @param {string} testID
   * @param {Parameters<typeof icon>[0]} picture
   * @param {string} name
   * @param {string} kind
   * @param {() => void} pressed
   */
  #button(testID, picture, name, kind, pressed) {
    const button = element(
      'button',
      { type: 'button', className: `control ${kind}`, 'data-testid': testID, 'aria-label': name, onclick: pressed },
      icon(picture),
    )
    return element('div', { className: 'labelled' }, button, element('span', { 'aria-hidden': 'true' }, name))
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {Call} call
   */
  #showMute(button, call) {
    if (button.getAttribute('aria-pressed') === String(call.muted)) return
    button.setAttribute('aria-pressed', String(call.muted))
    button.replaceChildren(icon(call.muted ? 'microphoneOff' : 'microphone'))
  }

  /** @param {Call} call */
  #showDigits(call) {
    const rows = [[text('sent'), call.sentDigits], [text('heard'), call.heardDigits]].filter(([, digits]) => digits)
    this.#digits.hidden = rows.length === 0
    this.#digits.replaceChildren(
      ...rows.flatMap(([name, digits]) => [element('dt', {}, name), element('dd', { 'data-testid': 'digits' }, digits)]))
  }

  #tick() {
    const call = this.phone.call
    if (!call) return
    const seconds = call.lasted ?? (call.activeSince === null ? null : (performance.now() - call.activeSince) / 1000)
    this.#duration.hidden = seconds === null
    if (seconds === null) return
    const time = clock(Math.floor(seconds))
    const shown = call.state === 'ended' ? text('lasted', { time }) : time
    if (this.#duration.textContent !== shown) this.#duration.textContent = shown
  }

  /** @param {KeyboardEvent} event digits typed anywhere are pressed; Escape puts an ended call away */
  #typed(event) {
    const call = this.phone.call
    if (!call || event.ctrlKey || event.altKey || event.metaKey) return
    if (event.target instanceof HTMLSelectElement || event.target instanceof HTMLInputElement) return
    if (event.key === 'Escape' && call.state === 'ended') this.phone.dismiss()
    else if (/^[0-9*#]$/.test(event.key)) this.phone.press(event.key)
  }
}

/**
 * Asks whom the other side is to call instead.
 *
 * @param {(number: string) => void} chosen
 */
function transferForm(chosen) {
  const number = element('input', {
    type: 'tel', required: true, maxLength: 64, autocomplete: 'off', 'aria-label': text('transferTo'),
    placeholder: text('transferTo'), 'data-testid': 'transfer-number',
  })
  const send = element('button', { className: 'primary', 'data-testid': 'transfer-send' }, text('transfer'))
  return element(
    'form',
    {
      className: 'transfer',
      hidden: true,
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault()
        chosen(number.value)
        number.value = ''
      },
    },
    number,
    send,
  )
}

/** @param {number} seconds */
function clock(seconds) {
  const minutes = String(Math.floor(seconds / 60) % 60).padStart(2, '0')
  const rest = String(seconds % 60).padStart(2, '0')
  return seconds < 3600 ? `${minutes}:${rest}` : `${Math.floor(seconds / 3600)}:${minutes}:${rest}`
}

customElements.define('sc-call', CallElement)
