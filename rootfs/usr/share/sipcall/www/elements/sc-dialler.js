import { sentence, text } from '../language/language.js'
import { element, icon } from './element.js'
import { keypad } from './keypad.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */

/** Kept while the page is open, so that a wrong number can be mended after the call. */
let draft = ''
let isHidden = false

/** Dial pad and number, and what can be called on the box itself. */
class DiallerElement extends HTMLElement {
  /** @type {Phone} */
  phone

  #trunkProblem = element('p', { className: 'problem', role: 'status', 'data-testid': 'trunk-problem', hidden: true })
  #stop = new AbortController()

  connectedCallback() {
    this.phone.addEventListener('change', () => this.#showTrunk(), { signal: this.#stop.signal })
    const number = element('input', {
      type: 'tel',
      id: 'number',
      name: 'number',
      className: 'number',
      autocomplete: 'off',
      // On a touch screen the focus would raise the keyboard over the keypad.
      'data-first': matchMedia('(hover: hover)').matches ? '' : null,
      maxLength: 64,
      placeholder: text('numberPlaceholder'),
      'aria-label': text('number'),
      'data-testid': 'number',
      value: draft,
      oninput: () => this.#typed(number.value),
    })
    this.number = number
    const hidden = element('input', {
      type: 'checkbox',
      name: 'hidden',
      checked: isHidden,
      'data-testid': 'hide-number',
      onchange: () => {
        isHidden = hidden.checked
      },
    })
    const insert = (/** @type {string} */ digit) => {
      const at = number.selectionStart ?? number.value.length
      number.setRangeText(digit, at, number.selectionEnd ?? at, 'end')
      this.#typed(number.value)
    }
    const erase = element(
      'button',
      {
        type: 'button',
        className: 'tertiary round erase',
        'aria-label': text('eraseDigit'),
        title: text('eraseDigit'),
        onclick: () => {
          number.value = number.value.slice(0, -1)
          this.#typed(number.value)
        },
      },
      icon('erase'),
    )
    const dial = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault()
      const wanted = number.value.trim()
      if (wanted) this.phone.desk.dial(wanted, hidden.checked)
      else number.focus()
    }
    this.append(
      this.#trunkProblem,
      element(
        'form',
        { className: 'card dialler', onsubmit: dial },
        element('h1', { className: 'hidden-visually' }, text('call')),
        element('p', { className: 'hidden-visually', 'data-testid': 'state', 'data-state': 'idle' }, text('stateIdle')),
        element('div', { className: 'number-row' }, number, erase),
        keypad(insert, true),
        element('label', { className: 'hide-number' }, hidden, text('hideNumber')),
        element(
          'button',
          { type: 'submit', className: 'call-button', 'aria-label': text('call'), title: text('call'), 'data-testid': 'call' },
          icon('phone'),
        ),
      ),
      this.#services(),
    )
    this.#typed(draft)
    this.#showTrunk()
  }

  disconnectedCallback() {
    this.#stop.abort()
  }

  /** A provider that cannot be reached is better known before dialling. */
  #showTrunk() {
    const { trunk, connected } = this.phone
    const said = connected && trunk.state === 'failed' && trunk.problem ? sentence(trunk.problem) : ''
    this.#trunkProblem.hidden = !said
    if (this.#trunkProblem.textContent !== said) this.#trunkProblem.textContent = said
  }

  /** @param {string} value */
  #typed(value) {
    draft = value
    this.classList.toggle('empty', value === '')
  }

  #services() {
    /** @type {[string, string, string][]} */
    const services = [
      ['*43', text('serviceEcho'), text('serviceEchoHint')],
      ['*44', text('serviceTone'), text('serviceToneHint')],
      ['*45', text('serviceDigits'), text('serviceDigitsHint')],
    ]
    return element(
      'section',
      { className: 'services', 'aria-labelledby': 'services-title' },
      element('h2', { id: 'services-title' }, text('onThisBox')),
      element(
        'ul',
        {},
        ...services.map(([code, name, hint]) =>
          element(
            'li',
            {},
            element(
              'button',
              { type: 'button', className: 'service', onclick: () => this.phone.desk.dial(code) },
              element('span', { className: 'service-code' }, code),
              element('span', { className: 'service-name' }, name),
              element('span', { className: 'service-hint' }, hint),
            ),
          ),
        ),
      ),
    )
  }
}

customElements.define('sc-dialler', DiallerElement)
