import { text } from '../language/language.js'
import { form } from './account-form.js'
import { element } from './element.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */

const STORED = 'sipcall.user'
/** Most boxes have one person, and that is what the box calls them at first. */
const FIRST = 'admin'

/** Asks who is there: name, password, and a one-time password where the account has one. */
class SignInElement extends HTMLElement {
  /** @type {Phone} */
  phone

  connectedCallback() {
    const known = lastUser()
    const user = element('input', {
      type: 'text', name: 'username', id: 'user', autocomplete: 'username', autocapitalize: 'none', spellcheck: false,
      required: true, value: known || FIRST,
    })
    const password = element('input', {
      type: 'password', name: 'password', id: 'password', autocomplete: 'current-password', required: true,
      'data-first': '', 'aria-describedby': known ? 'form-problem' : 'password-hint form-problem',
    })
    const code = element('input', {
      type: 'text', name: 'code', id: 'code', autocomplete: 'one-time-code', autocapitalize: 'none', spellcheck: false,
    })
    const second = element('div', { className: 'field', hidden: true }, element('label', { for: 'code' }, text('code')), code)
    const send = async () => {
      try {
        await this.phone.signIn(user.value.trim(), password.value, second.hidden ? '' : code.value.trim())
        remember(user.value.trim())
      } catch (error) {
        if (/** @type {any} */ (error)?.code === 'web.code-needed' && second.hidden) {
          second.hidden = false
          code.required = true
          code.focus()
        } else if (second.hidden) {
          password.select()
        } else {
          code.select()
        }
        throw error
      }
    }
    this.append(
      form({ title: text('signIn'), button: text('signIn'), busy: text('signingIn'), send }, [
        element('label', { for: 'user' }, text('user')),
        user,
        element('label', { for: 'password' }, text('password')),
        password,
        ...(known ? [] : [element('p', { className: 'hint', id: 'password-hint' }, text('passwordHint'))]),
        second,
      ]),
    )
  }
}

/** Who signed in here last; empty when nobody has. */
function lastUser() {
  try {
    return localStorage.getItem(STORED) ?? ''
  } catch {
    return ''
  }
}

/** @param {string} user */
export function remember(user) {
  try {
    localStorage.setItem(STORED, user)
  } catch {
    // It is typed again then.
  }
}

customElements.define('sc-sign-in', SignInElement)
