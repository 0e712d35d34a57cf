import { sentence, text } from '../language/language.js'
import { passwordStrength } from '../phone/password-strength.js'
import { Problem } from '../phone/problem.js'
import { form } from './account-form.js'
import { element } from './element.js'
import { remember } from './sc-sign-in.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */

/** With these the token is to be entered anew. */
const TOKEN_PROBLEMS = ['setup.wrong-token', 'setup.token-ended']
const STRENGTHS = /** @type {const} */ (['strength0', 'strength1', 'strength2', 'strength3', 'strength4'])
/** What was typed, for when the language changes. */
const draft = { user: '', name: '' }

/**
 * The first step of a new box: whoever has its token makes the owner's account and is signed in.
 *
 * A token that came with the link is not shown; it is asked for when there was none, or it was not good.
 */
class SetupElement extends HTMLElement {
  /** @type {Phone} */
  phone
  #token = this.#field('token', { type: 'text', autocomplete: 'off', 'aria-describedby': 'token-hint form-problem' })
  #user = this.#field('username', {
    type: 'text', autocomplete: 'username', maxLength: 64, value: draft.user, 'aria-describedby': 'username-hint form-problem',
    oninput: () => (draft.user = this.#user.value),
  })
  #name = this.#field('name', {
    type: 'text', autocomplete: 'name', maxLength: 100, required: false, autocapitalize: 'words', value: draft.name,
    'aria-describedby': 'name-hint', oninput: () => (draft.name = this.#name.value),
  })
  #password = this.#field('new-password', {
    type: 'password', autocomplete: 'new-password', minLength: 8, 'aria-describedby': 'new-password-hint form-problem',
    oninput: () => this.#measure(),
  })
  #again = this.#field('new-password-again', { type: 'password', autocomplete: 'new-password', minLength: 8 })
  #meter = element('meter', { className: 'strength', min: 0, max: 4, low: 2, high: 3, optimum: 4, 'aria-hidden': 'true' })
  #strength = element('p', { className: 'hint', role: 'status', 'data-testid': 'strength' })

  connectedCallback() {
    const token = this.phone.setupToken
    this.#token.value = token
    const asked = element(
      'div', { className: 'field', hidden: token !== '', 'data-testid': 'token-field' }, ...this.#asked(this.#token, 'setupToken', 'setupTokenHint'))
    const first = token === '' ? this.#token : this.#user
    first.setAttribute('data-first', '')
    const send = async () => {
      if (this.#password.value !== this.#again.value) {
        this.#again.select()
        throw new Problem('page.passwords-differ')
      }
      const user = this.#user.value.trim().toLowerCase()
      try {
        await this.phone.claim(this.#token.value.trim(), user, this.#name.value.trim(), this.#password.value)
        remember(user)
      } catch (error) {
        this.#failed(error, asked, card)
        throw error
      }
    }
    const card = form({ title: text('setup'), button: text('claim'), busy: text('claiming'), send }, [
      element('p', { className: 'hint' }, text('setupHint')),
      asked,
      element('div', { className: 'field' }, ...this.#asked(this.#user, 'setupUser', 'setupUserHint')),
      element('div', { className: 'field' }, ...this.#asked(this.#name, 'setupName', 'setupNameHint')),
      element(
        'div', { className: 'field' }, ...this.#asked(this.#password, 'newPassword', 'setupPasswordHint'), this.#meter,
        this.#strength),
      element('div', { className: 'field' }, ...this.#asked(this.#again, 'newPasswordAgain')),
    ])
    this.append(card)
    this.#measure()
  }

  #measure() {
    const password = this.#password.value
    const level = passwordStrength(password, [this.#user.value, this.#name.value])
    this.#meter.hidden = password === ''
    this.#meter.value = level
    const words = password === '' ? '' : text(STRENGTHS[level] ?? 'strength0')
    if (this.#strength.textContent !== words) this.#strength.textContent = words
  }

  /**
   * @param {unknown} error
   * @param {HTMLElement} asked
   * @param {HTMLElement} card
   */
  #failed(error, asked, card) {
    if (!(error instanceof Problem)) return
    if (error.code === 'setup.claimed') return card.replaceWith(this.#tooLate(error))
    if (error.code === 'account.bad-name') this.#user.select()
    if (!TOKEN_PROBLEMS.includes(error.code)) return
    this.phone.setupToken = ''
    asked.hidden = false
    this.#token.select()
  }

  /** @param {Problem} problem somebody else was first */
  #tooLate(problem) {
    return element(
      'div', { className: 'card sign-in' },
      element('h1', {}, text('setupOver')),
      element('p', { className: 'problem', role: 'alert', 'data-testid': 'problem', 'data-code': problem.code }, sentence(problem)),
      element(
        'button',
        { type: 'button', className: 'primary wide', 'data-testid': 'to-sign-in', onclick: () => this.phone.begin({}) },
        text('signIn'),
      ),
    )
  }

  /**
   * A question, and why it is asked.
   *
   * @param {HTMLInputElement} input
   * @param {Parameters<typeof text>[0]} label
   * @param {Parameters<typeof text>[0]} [why]
   */
  #asked(input, label, why) {
    const name = element('label', { for: input.id }, text(label))
    return why ? [name, input, element('p', { className: 'hint', id: `${input.id}-hint` }, text(why))] : [name, input]
  }

  /**
   * @param {string} id
   * @param {Record<string, any>} more
   */
  #field(id, more) {
    return element('input', { name: id, id, required: true, autocapitalize: 'none', spellcheck: false, ...more })
  }
}

customElements.define('sc-setup', SetupElement)
