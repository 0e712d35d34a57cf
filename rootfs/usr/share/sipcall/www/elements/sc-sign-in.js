import { sentence, text } from '../language/language.js'
import { Problem } from '../phone/problem.js'
import { element } from './element.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */

/** Asks for the password. */
class SignInElement extends HTMLElement {
  /** @type {Phone} */
  phone

  connectedCallback() {
    const password = element('input', {
      type: 'password',
      name: 'password',
      id: 'password',
      autocomplete: 'current-password',
      required: true,
      'data-first': '',
      'aria-describedby': 'password-hint sign-in-problem',
    })
    const button = element('button', { type: 'submit', className: 'primary wide' }, text('signIn'))
    const problem = element('p', {
      className: 'problem', id: 'sign-in-problem', role: 'alert', 'data-testid': 'problem', hidden: true,
    })
    const submit = async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault()
      button.disabled = true
      button.textContent = text('signingIn')
      problem.hidden = true
      try {
        await this.phone.signIn(password.value)
      } catch (error) {
        const reason = error instanceof Problem ? error : new Problem('page.unknown')
        problem.dataset.code = reason.code
        problem.textContent = sentence(reason)
        problem.hidden = false
        password.select()
      }
      button.disabled = false
      button.textContent = text('signIn')
    }
    this.append(
      element(
        'form',
        { className: 'card sign-in', onsubmit: submit },
        element('h1', {}, text('signIn')),
        // Password managers file the password under a user name.
        element('input', { type: 'text', name: 'username', value: 'admin', autocomplete: 'username', hidden: true }),
        element('label', { for: 'password' }, text('password')),
        password,
        element('p', { className: 'hint', id: 'password-hint' }, text('passwordHint')),
        problem,
        button,
      ),
    )
  }
}

customElements.define('sc-sign-in', SignInElement)
