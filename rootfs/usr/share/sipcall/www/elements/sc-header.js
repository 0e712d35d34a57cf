import { language, text, sentence } from '../language/language.js'
import { rememberCodec } from '../phone/sound-options.js'
import { showProblem } from './dialog.js'
import { element, icon } from './element.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */

/** The bar above everything: name, the trunk's state, settings. */
class HeaderElement extends HTMLElement {
  /** @type {Phone} */
  phone
  #trunk = element('p', { className: 'trunk', role: 'status', 'data-testid': 'trunk' })
  #problem = element('p', { className: 'problem', role: 'alert', hidden: true, 'data-testid': 'sign-out-problem' })
  #stop = new AbortController()

  connectedCallback() {
    this.append(
      element('a', { className: 'brand', href: './' }, icon('phone'), element('span', {}, 'SIPCall')),
      this.#trunk,
      this.phone.session === 'signed-in' ? this.#settings() : this.#languages(),
    )
    this.phone.addEventListener('change', () => this.#update(), { signal: this.#stop.signal })
    this.#update()
  }

  disconnectedCallback() {
    this.#stop.abort()
  }

  #update() {
    const { trunk, connected, session } = this.phone
    this.#trunk.hidden = session !== 'signed-in' || !this.phone.mayTelephone
    const words = {
      none: text('trunkNone'),
      registering: text('trunkRegistering', { name: trunk.name }),
      registered: text('trunkRegistered', { name: trunk.name }),
      ready: text('trunkRegistered', { name: trunk.name }),
      failed: text('trunkFailed', { name: trunk.name }),
    }
    const state = connected ? trunk.state : 'registering'
    const shown = connected ? words[trunk.state] : text('connecting')
    this.#trunk.dataset.state = state
    this.#trunk.title = connected && trunk.problem ? sentence(trunk.problem) : shown
    if (this.#trunk.textContent !== shown) this.#trunk.textContent = shown
  }

  /** It ends every call, so that is asked first. */
  #signOut() {
    if (this.phone.calls.live.length > 0 && !confirm(text('signOutQuestion'))) return
    this.phone.signOut().catch((error) => showProblem(this.#problem, error))
  }

  #settings() {
    const codec = element(
      'select',
      {
        id: 'codec',
        'data-testid': 'codec',
        onchange: () => {
          this.phone.options.codec = /** @type {any} */ (codec.value)
          rememberCodec(this.phone.options.codec)
        },
      },
      element('option', { value: 'auto' }, text('codecAuto')),
      element('option', { value: 'opus' }, text('codecOpus')),
      element('option', { value: 'pcmu' }, text('codecPcmu')),
    )
    codec.value = this.phone.options.codec
    const { person } = this.phone.identity
    const menu = element(
      'details',
      {
        className: 'settings',
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          if (event.key !== 'Escape' || !menu.open) return
          menu.open = false
          menu.querySelector('summary')?.focus()
        },
      },
      element('summary', { 'aria-label': text('settings'), title: text('settings') }, icon('settings')),
      element(
        'div',
        { className: 'menu' },
        element('p', { className: 'hint', 'data-testid': 'person' }, text('signedInAs', { name: person?.name || person?.user || '' })),
        element('label', { for: 'codec' }, text('codec')),
        codec,
        this.#languages(),
        element('button', { className: 'tertiary', onclick: () => this.#signOut(), 'data-testid': 'sign-out' }, text('signOut')),
        this.#problem,
      ),
    )
    return menu
  }

  #languages() {
    const select = element(
      'select',
      {
        id: 'language',
        'aria-label': text('languageLabel'),
        className: 'language',
        onchange: () => language.choose(/** @type {any} */ (select.value)),
      },
      element('option', { value: 'en', lang: 'en' }, 'English'),
      element('option', { value: 'de', lang: 'de' }, 'Deutsch'),
    )
    select.value = language.current
    return select
  }
}

customElements.define('sc-header', HeaderElement)
