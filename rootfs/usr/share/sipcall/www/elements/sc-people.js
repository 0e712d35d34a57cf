import { language, text } from '../language/language.js'
import { roleKey } from './account/name-part.js'
import { showProblem } from './dialog.js'
import { element } from './element.js'
import { inviteForm, linkCard } from './people/invite-form.js'
import { personActions } from './people/person-actions.js'
import { outcome, when } from './section.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */
/**
 * @typedef {{user: string, name: string, role: string, state: 'invited' | 'active' | 'suspended', secondFactor: boolean,
 *   created: string, lastSeen?: string, invitation?: string}} Listed
 */

/** Everybody who may use the box; owners and admins invite, change and remove, auditors read. */
class PeopleElement extends HTMLElement {
  /** @type {Phone} */
  phone
  #list = element('ul', { className: 'rows people', 'data-testid': 'people' })
  #link = element('div', { className: 'card', hidden: true, 'data-testid': 'link' })
  #outcome = outcome()

  connectedCallback() {
    this.classList.add('pages')
    const mayChange = this.#mayChange
    const waiting = element('p', { className: 'hint', role: 'status' }, text('loading'))
    this.append(
      element('h1', { tabIndex: -1, 'data-first': '' }, text('placePeople')),
      element('p', { className: 'hint' }, text(mayChange ? 'peopleHint' : 'peopleReadOnly')),
      this.#link, ...this.#outcome.lines, waiting, this.#list,
    )
    if (mayChange) this.append(inviteForm(this.phone, (made) => this.#made(made)))
    this.load().then(
      () => {
        this.dataset.state = 'ready'
        waiting.remove()
      },
      (error) => {
        waiting.remove()
        if (this.#outcome.lines[0]) showProblem(this.#outcome.lines[0], error)
      },
    )
  }

  get #mayChange() {
    return ['owner', 'admin'].includes(this.phone.identity.person?.role ?? '')
  }

  async load() {
    const people = /** @type {Listed[]} */ (await this.phone.ask('GET', 'users'))
    this.#list.replaceChildren(...people.map((person) => this.#row(person)))
  }

  /** @param {Listed} made whose link is to be handed over */
  async #made(made) {
    this.#link.replaceChildren(...linkCard(made))
    this.#link.hidden = false
    this.#link.scrollIntoView({ block: 'nearest' })
    this.#link.querySelector('input')?.focus()
    await this.load()
  }

  /** @param {Listed} person */
  #row(person) {
    const own = this.phone.identity.person
    const isOwn = person.user === own?.user
    const marks = [
      ...(isOwn ? [text('you')] : []),
      ...(person.state === 'active' ? [] : [text(person.state === 'invited' ? 'stateInvited' : 'stateSuspended')]),
      ...(person.secondFactor ? [text('withSecondFactor')] : []),
    ]
    const seen = person.lastSeen ? text('lastSeen', { time: when(person.lastSeen, language.current) }) : text('neverSeen')
    const mayTouch = this.#mayChange && !isOwn && (own?.role === 'owner' || person.role !== 'owner')
    return element(
      'li', { className: 'row', 'data-testid': `person-${person.user}`, 'data-state': person.state },
      element('div', { className: 'row-words' },
        element('strong', {}, person.name || person.user),
        element('span', { className: 'hint' }, `${person.user} · ${text(roleKey(person.role))} · ${seen}`)),
      element('div', { className: 'badges' }, ...marks.map((mark) => element('span', { className: 'badge' }, mark))),
      mayTouch
        ? personActions({
            phone: this.phone, person, outcome: this.#outcome, load: () => this.load(), made: (listed) => this.#made(listed),
          })
        : null,
    )
  }
}

customElements.define('sc-people', PeopleElement)
