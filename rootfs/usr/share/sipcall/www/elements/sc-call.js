import { sentence, text } from '../language/language.js'
import { callControls } from './call-controls.js'
import { durationWords, givenName, partyName, stateWords, verificationWords } from './call-words.js'
import { element, icon } from './element.js'
import { keypad } from './keypad.js'
import { OtherCallElement } from './sc-other-call.js'
import { askTogether } from './together-question.js'
import { transferForm } from './transfer-form.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */
/** @typedef {import('../phone/call.js').Call} Call */

/** Reasons that are no trouble. */
const CALM = [
  'call.hung-up-here', 'call.hung-up-there', 'call.declined', 'call.cancelled', 'call.answered-elsewhere',
  'call.forwarded', 'call.transferred',
]

/** The call in front: who, how far, how long, and everything that can be done with it. Other calls stand above it. */
class CallElement extends HTMLElement {
  /** @type {Phone} */
  phone
  #stop = new AbortController()
  #timer = 0
  #keypadOpen = false
  /** @type {Call | null} */
  #call = null
  #shownControls = ''

  #others = element('div', { className: 'others' })
  #news = element('p', { className: 'hidden-visually', role: 'alert', 'data-testid': 'news' })
  #passed = element('p', { role: 'status' })
  #passedRow = element('div', { className: 'passed', hidden: true, 'data-testid': 'passed' })
  #party = element('h1', { className: 'party' })
  #number = element('p', { className: 'party-number' })
  #verification = element('p', { className: 'verification', hidden: true, 'data-testid': 'verification' })
  #state = element('p', { className: 'state', role: 'status', 'data-testid': 'state' })
  #duration = element('p', { className: 'duration', 'data-testid': 'duration', role: 'timer', 'aria-live': 'off' })
  #problem = element('p', { className: 'problem', role: 'alert', 'data-testid': 'problem' })
  #away = element('p', { className: 'hint', role: 'status', 'data-testid': 'reconnecting', hidden: true })
  #digits = element('dl', { className: 'digits' })
  #keypad = keypad((digit) => this.phone.desk.press(digit))
  #transfer = transferForm({
    askFirst: (number) => {
      this.#closeTransfer()
      this.phone.desk.dial(number)
    },
    transfer: (number) => {
      this.#closeTransfer()
      this.phone.desk.transfer(number)
    },
    cancel: () => this.#closeTransfer(),
  })
  #question = element('div', { className: 'question', role: 'group', hidden: true, 'data-testid': 'question' })
  #plain = element('div', { className: 'controls plain' })
  #controls = element('div', { className: 'controls' })

  connectedCallback() {
    this.#passedRow.append(
      this.#passed,
      element('button', {
        type: 'button', className: 'tertiary round', 'aria-label': text('close'), title: text('close'),
        onclick: () => this.phone.calls.dismiss(), 'data-testid': 'passed-close',
      }, icon('cross')),
    )
    this.append(
      this.#news,
      this.#others,
      element(
        'section',
        { className: 'card call', 'aria-label': text('call') },
        this.#passedRow,
        this.#question,
        element('div', { className: 'avatar' }, icon('person')),
        this.#party,
        this.#number,
        this.#verification,
        this.#state,
        this.#duration,
        this.#problem,
        this.#away,
        this.#digits,
        this.#keypad,
        this.#transfer,
        this.#plain,
        this.#controls,
      ),
    )
    const { signal } = this.#stop
    this.phone.addEventListener('change', () => this.#update(), { signal })
    this.#others.addEventListener('together', () => this.#askTogether(), { signal })
    document.addEventListener('keydown', (event) => this.#typed(event), { signal })
    this.#timer = setInterval(() => this.#tick(), 250)
    this.#update()
  }

  disconnectedCallback() {
    this.#stop.abort()
    clearInterval(this.#timer)
  }

  #update() {
    const call = this.phone.calls.front
    if (!call) return
    if (call !== this.#call) {
      this.#call = call
      this.#shownControls = ''
      this.#keypadOpen = call.party === '*45'
      this.#transfer.hidden = true
    }
    this.#showWords(call)
    const lost = this.#showOthers()
    this.#showPassed()
    this.#showDigits(call)
    if (!this.phone.desk.mayTransfer) this.#transfer.hidden = true
    const ask = /** @type {HTMLButtonElement | null} */ (this.#transfer.querySelector('[data-testid=ask-first]'))
    if (ask) ask.disabled = !this.phone.desk.mayAskFirst
    if (!this.phone.desk.partner || this.phone.desk.joining) this.#question.hidden = true
    const wanted = `${call.state} ${this.phone.desk.mayTransfer}`
    if (wanted !== this.#shownControls) this.#showControls(call, wanted)
    this.#keypad.hidden = !this.#keypadOpen || call.state === 'ended' || call.state === 'incoming'
    this.#showPressed('keypad', 'aria-expanded', this.#keypadOpen)
    this.#showPressed('transfer', 'aria-expanded', !this.#transfer.hidden)
    this.#showPressed('hold', 'aria-pressed', call.held.here)
    if (this.#showPressed('mute', 'aria-pressed', call.muted)) {
      this.#find('mute')?.replaceChildren(icon(call.muted ? 'microphoneOff' : 'microphone'))
    }
    // The keyboard goes on where it was, or where the next press costs nothing.
    if (lost) (this.#others.querySelector('button') ?? this.#find('hold') ?? this.#find('mute'))?.focus()
    this.#tick()
  }

  /** @param {Call} call */
  #showWords(call) {
    const name = givenName(call)
    const isSummons = call.direction === 'summoned' && call.state === 'incoming'
    show(this.#party, isSummons ? text('callTo', { party: call.party }) : partyName(call))
    this.#number.textContent = name ? call.party : ''
    this.#number.hidden = !name
    const verification = verificationWords(call)
    this.#verification.hidden = !verification
    this.#verification.dataset.verification = call.verification
    show(this.#verification, verification)
    show(this.#state, stateWords(call))
    this.#state.dataset.state = call.state
    this.dataset.state = call.state
    const { problem } = call
    this.#problem.hidden = !problem
    this.#problem.dataset.code = problem?.code ?? ''
    this.#problem.classList.toggle('calm', CALM.includes(problem?.code ?? ''))
    show(this.#problem, problem ? sentence(problem) : '')
    const away = !this.phone.connected && call.isLive
    this.#away.hidden = !away
    show(this.#away, away ? text('reconnecting') : '')
  }

  /**
   * One element for each other call, kept as long as the call is beside the one in front.
   *
   * @returns {boolean} whether the focus was in one that is gone
   */
  #showOthers() {
    const { others } = this.phone.calls
    const present = /** @type {OtherCallElement[]} */ ([...this.#others.children])
    let isLost = false
    for (const shown of present) {
      if (others.includes(shown.call)) continue
      isLost ||= shown.contains(document.activeElement)
      shown.remove()
    }
    for (const call of others) {
      if (present.some((shown) => shown.call === call)) continue
      const made = new OtherCallElement()
      Object.assign(made, { phone: this.phone, call })
      this.#others.append(made)
    }
    for (const shown of this.#others.children) /** @type {OtherCallElement} */ (shown).update()
    this.#others.hidden = others.length === 0
    const waiting = others.find((call) => call.state === 'incoming')
    show(this.#news, waiting ? text('titleIncoming', { party: partyName(waiting) }) : '')
    return isLost
  }

  #showPassed() {
    const { passed } = this.phone.calls
    const words = passed?.problem
      ? text('passedCall', { party: partyName(passed), sentence: sentence(passed.problem) })
      : ''
    this.#passedRow.hidden = !words
    this.#passedRow.dataset.code = passed?.problem?.code ?? ''
    show(this.#passed, words)
  }

  /**
   * @param {Call} call
   * @param {string} wanted
   */
  #showControls(call, wanted) {
    const hadFocus = this.#plain.contains(document.activeElement) || this.#controls.contains(document.activeElement) ||
      document.activeElement === document.body
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.testid ?? ''
    this.#shownControls = wanted
    const { plain, last, first } = callControls(this.phone.desk, call, {
      dismiss: () => this.phone.calls.dismiss(),
      toggleKeypad: () => {
        this.#keypadOpen = !this.#keypadOpen
        this.#update()
      },
      toggleTransfer: () => {
        if (!this.#transfer.hidden) return this.#closeTransfer()
        this.#transfer.hidden = false
        this.#update()
        this.#transfer.querySelector('input')?.focus()
      },
    })
    this.#plain.replaceChildren(...plain)
    this.#plain.hidden = plain.length === 0
    this.#controls.replaceChildren(...last)
    if (hadFocus) (this.#find(focused) ?? this.#find(first))?.focus()
  }

  #closeTransfer() {
    this.#transfer.hidden = true
    this.#update()
    this.#find('transfer')?.focus()
  }

  #askTogether() {
    const { partner, front } = this.phone.desk
    if (!partner || !front) return
    askTogether(this.#question, partner, front, {
      yes: () => {
        this.phone.desk.bringTogether()
        this.#find('hangup')?.focus()
      },
      no: () => /** @type {HTMLElement | null} */ (this.querySelector('[data-testid=together]'))?.focus(),
    })
  }

  /** @param {string} testID */
  #find(testID) {
    const buttons = /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll('.controls [data-testid]'))
    return [...buttons].find((button) => button.dataset.testid === testID) ?? null
  }

  /**
   * @param {string} testID
   * @param {string} attribute
   * @param {boolean} value
   * @returns {boolean} whether it is different now
   */
  #showPressed(testID, attribute, value) {
    const button = this.#find(testID)
    if (!button || button.getAttribute(attribute) === String(value)) return false
    button.setAttribute(attribute, String(value))
    return true
  }

  /** @param {Call} call */
  #showDigits(call) {
    const rows = [[text('sent'), call.sentDigits], [text('heard'), call.heardDigits]].filter(([, digits]) => digits)
    this.#digits.hidden = rows.length === 0
    this.#digits.replaceChildren(
      ...rows.flatMap(([name, digits]) => [
        element('dt', {}, name), element('dd', { 'data-testid': 'digits' }, digits)]))
  }

  #tick() {
    const call = this.phone.calls.front
    if (!call) return
    const time = durationWords(call)
    this.#duration.hidden = !time
    show(this.#duration, call.isLive ? time : text('lasted', { time }))
    for (const shown of this.#others.children) /** @type {OtherCallElement} */ (shown).tick()
  }

  /** @param {KeyboardEvent} event digits typed anywhere are pressed; Escape puts an ended call away */
  #typed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return
    if (event.target instanceof HTMLSelectElement || event.target instanceof HTMLInputElement) return
    if (event.key === 'Escape' && this.phone.calls.front?.state === 'ended') this.phone.calls.dismiss()
    else if (/^[0-9*#]$/.test(event.key)) this.phone.desk.press(event.key)
  }
}

/**
 * Only what is different is written, or a screen reader would say it again.
 *
 * @param {HTMLElement} place
 * @param {string} words
 */
function show(place, words) {
  if (place.textContent !== words) place.textContent = words
}

customElements.define('sc-call', CallElement)
