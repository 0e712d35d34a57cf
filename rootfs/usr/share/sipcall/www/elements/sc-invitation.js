import { sentence, text } from '../language/language.js'
import { Problem } from '../phone/problem.js'
import { form } from './account-form.js'
import { element } from './element.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */

/** Somebody came by an invitation: they choose a password and are signed in. */
class InvitationElement extends HTMLElement {
  /** @type {Phone} */
  phone

  connectedCallback() {
    const user = element('input', { type: 'text', name: 'username', id: 'user', autocomplete: 'username', readOnly: true })
    const first = this.#field('new-password', { 'data-first': '', 'aria-describedby': 'new-password-hint form-problem' })
    const again = this.#field('new-password-again', {})
    const welcome = element('p', { className: 'hint' }, text('invitationHint'))
    const send = async () => {
      if (first.value !== again.value) {
        again.select()
        throw new Problem('page.passwords-differ')
      }
      await this.phone.accept(first.value)
    }
    const card = form(
      { title: text('invitation'), button: text('begin'), busy: text('signingIn'), send }, [
        welcome,
        element('label', { for: 'user' }, text('user')),
        user,
        element('label', { for: 'new-password' }, text('newPassword')),
        first,
        element('p', { className: 'hint', id: 'new-password-hint' }, text('newPasswordHint')),
        element('label', { for: 'new-password-again' }, text('newPasswordAgain')),
        again,
      ],
    )
    this.append(card)
    this.phone.identity.invited(this.phone.invitation).then(
      (person) => {
        user.value = person.user
        welcome.textContent = text('invitationFor', { name: person.name })
      },
      (error) => {
        // A new box has one link only.
        if (error instanceof Problem && error.code === 'setup.unclaimed') this.phone.begin({})
        // Nobody chooses a password for a link that is good for nothing. What may pass is said once it is used.
        if (error instanceof Problem && error.code === 'account.invitation-used') card.replaceWith(this.#used(error))
      },
    )
  }

  /** @param {Problem} problem */
  #used(problem) {
    return element(
      'div', { className: 'card sign-in' },
      element('h1', {}, text('invitationOver')),
      element('p', { className: 'problem', role: 'alert', 'data-testid': 'problem', 'data-code': problem.code }, sentence(problem)),
      element(
        'button',
        { type: 'button', className: 'primary wide', 'data-testid': 'to-sign-in', onclick: () => this.phone.begin({}) },
        text('signIn'),
      ),
    )
  }

  /**
   * @param {string} id
   * @param {Record<string, any>} more
   */
  #field(id, more) {
    return element('input', {
      type: 'password', name: id, id, autocomplete: 'new-password', required: true, minLength: 8, ...more,
    })
  }
}

customElements.define('sc-invitation', InvitationElement)
