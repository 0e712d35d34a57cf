import { sentence, text } from '../language/language.js'
import { Problem } from '../phone/problem.js'
import { element } from './element.js'
import { factorPart } from './account/factor-part.js'
import { namePart } from './account/name-part.js'
import { passwordPart } from './account/password-part.js'
import { sessionsPart } from './account/sessions-part.js'
import { tokensPart } from './account/tokens-part.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */
/**
 * @typedef {{user: string, name: string, role: string, language: string | null, secondFactor: boolean, recoveryCodes: number}} Account
 */

/** What somebody may do with their own account. */
class AccountElement extends HTMLElement {
  /** @type {Phone} */
  phone

  connectedCallback() {
    this.classList.add('pages')
    this.append(element('h1', { tabIndex: -1, 'data-first': '' }, text('placeAccount')))
    const waiting = element('p', { className: 'hint', role: 'status' }, text('loading'))
    this.append(waiting)
    this.#load().then(
      () => waiting.remove(),
      (error) => {
        waiting.remove()
        const problem = error instanceof Problem ? error : new Problem('page.unknown')
        this.append(element('p', { className: 'problem', role: 'alert', 'data-code': problem.code }, sentence(problem)))
      },
    )
  }

  async #load() {
    const account = /** @type {Account} */ (await this.phone.ask('GET', 'account'))
    this.append(
      namePart(this.phone, account), passwordPart(this.phone), factorPart(this.phone, account),
      sessionsPart(this.phone), tokensPart(this.phone),
    )
    this.dataset.state = 'ready'
  }
}

customElements.define('sc-account', AccountElement)
