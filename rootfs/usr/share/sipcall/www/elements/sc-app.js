import { language, text } from '../language/language.js'
import { Tones } from '../phone/tones.js'
import { partyName } from './call-words.js'
import { element } from './element.js'
import './sc-header.js'
import './sc-invitation.js'
import './sc-setup.js'
import './sc-sign-in.js'
import './sc-dialler.js'
import './sc-call.js'
import { place } from './places.js'
import './sc-navigation.js'
import './sc-call-strip.js'
import './sc-account.js'
import './sc-people.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */

/** @type {Record<string, string>} */
const VIEWS = {
  'signed-out': 'sc-sign-in', invited: 'sc-invitation', unclaimed: 'sc-setup', dialler: 'sc-dialler', call: 'sc-call',
}

/** The application: shows the one view that the phone's state asks for, and sounds what it asks for. */
export class AppElement extends HTMLElement {
  /** @type {Phone | null} */
  #phone = null
  #shown = ''
  #tones = new Tones()
  #sound = element('audio', { autoplay: true })

  /** @param {Phone} phone */
  set phone(phone) {
    this.#phone = phone
    phone.addEventListener('change', () => this.#update())
    addEventListener('hashchange', () => this.#update())
    language.addEventListener('change', () => {
      this.#shown = ''
      this.#update()
    })
    this.append(this.#sound)
  }

  #update() {
    const phone = this.#phone
    if (!phone) return
    const telephone = !phone.mayTelephone ? 'nothing' : phone.calls.front ? 'call' : 'dialler'
    const here = place(phone.identity.person)
    const signedIn = here === 'phone' ? telephone : here
    const view = phone.session === 'signed-in' ? signedIn : phone.session
    if (view !== this.#shown) this.#show(view, phone)
    this.#listen(phone)
    const ringing = phone.calls.live.find((call) => call.state === 'incoming')
    document.title = ringing
      ? `☎ ${text(ringing.direction === 'summoned' ? 'callTo' : 'titleIncoming', { party: partyName(ringing) })}`
      : 'SIPCall'
  }

  /**
   * @param {string} view
   * @param {Phone} phone
   */
  #show(view, phone) {
    this.#shown = view
    this.querySelector('.page')?.remove()
    if (view === 'unknown') return
    const main = element('main', { className: 'content', id: 'content' })
    const made = /** @type {HTMLElement & {phone: Phone}} */ (
      document.createElement({ ...VIEWS, ...PAGES }[view] ?? 'div')
    )
    made.phone = phone
    if (view === 'nothing') made.append(...noTelephone(phone))
    if (view in PAGES) main.append(withPhone('sc-call-strip', phone))
    main.append(made)
    const header = /** @type {HTMLElement & {phone: Phone}} */ (document.createElement('sc-header'))
    header.phone = phone
    header.setAttribute('role', 'banner')
    const navigation = phone.session === 'signed-in' ? withPhone('sc-navigation', phone) : null
    this.append(element('div', { className: 'page' }, header, element('div', { className: 'places' }, navigation, main)))
    made.querySelector(/** @type {any} */ ('[data-first]'))?.focus()
  }

  /** @param {Phone} phone */
  #listen(phone) {
    const { front, others } = phone.calls
    const stream = front?.isLive ? front.remoteStream : null
    if (this.#sound.srcObject !== stream) this.#sound.srcObject = stream
    const isWaiting = front?.state !== 'incoming' && others.some((call) => call.state === 'incoming')
    if (isWaiting) return this.#tones.play('waiting')
    const busy = front?.state === 'ended' && front.direction === 'outbound' && front.problem?.code === 'call.busy'
    const tone = { incoming: 'ring', ringing: 'ringback' }[/** @type {string} */ (front?.state)] ?? null
    this.#tones.play(busy ? 'busy' : tone)
  }
}

/** The pages beside the telephone. */
const PAGES = { account: 'sc-account', people: 'sc-people' }

/**
 * @param {string} name
 * @param {Phone} phone
 */
function withPhone(name, phone) {
  const made = /** @type {HTMLElement & {phone: Phone}} */ (document.createElement(name))
  made.phone = phone
  return made
}

/**
 * What whoever is signed in without being allowed to telephone finds.
 *
 * @param {Phone} phone
 */
function noTelephone({ identity: { person } }) {
  return [
    element('h1', {}, text('signedInAs', { name: person?.name || person?.user || '' })),
    element('p', { className: 'hint', 'data-testid': 'no-telephone' }, text('noTelephone')),
  ]
}

customElements.define('sc-app', AppElement)
