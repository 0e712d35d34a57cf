import { CallDesk } from './call-desk.js'
import { PhoneSocket } from './phone-socket.js'
import { Problem } from './problem.js'

/** @typedef {import('./sound-options.js').SoundOptions} SoundOptions */
/** @typedef {{name: string, state: 'none' | 'registering' | 'registered' | 'ready' | 'failed', problem?: {code: string, sentence: string, remedy: string}}} Trunk */

/** A box that does not say whether the session still holds is asked again when the line is lost again. */
const SESSION_WITHIN = 5_000

/**
 * The telephone behind the page: who is signed in, the line to the box, the trunk's state, and the calls.
 *
 * Event: `change`, whenever something to be shown is different.
 */
export class Phone extends EventTarget {
  /** @type {'unknown' | 'signed-out' | 'signed-in'} */
  session = 'unknown'
  connected = false
  /** @type {Trunk} */
  trunk = { name: '', state: 'none' }

  #socket = new PhoneSocket()
  /** The session is being asked about: the line may be lost many times meanwhile. */
  #isAsking = false

  /** @param {SoundOptions} options */
  constructor(options) {
    super()
    this.options = options
    this.desk = new CallDesk(this.#socket, options)
    this.desk.calls.addEventListener('change', () => this.#update({}))
    this.#socket.addEventListener('open', () => this.#update({ connected: true }))
    this.#socket.addEventListener('lost', () => this.#lost())
    this.#socket.addEventListener('notification', (event) => {
      const { method, params } = /** @type {CustomEvent} */ (event).detail
      this.#notified(method, params ?? {})
    })
  }

  /**
   * Finds out whether this browser is signed in, and if so goes on the line.
   *
   * @param {string} password of a sign-in link; empty without one
   */
  async begin(password = '') {
    try {
      if (password) return await this.signIn(password)
    } catch {
      // A link that has been used already: its owner is signed in, or has another password.
    }
    try {
      const response = await fetch('api/v1/session')
      if (response.ok) return this.#signedIn()
    } catch {
      // Shown as signed out; signing in says what is wrong.
    }
    this.#update({ session: 'signed-out' })
  }

  /**
   * @param {string} password
   * @throws {Problem}
   */
  async signIn(password) {
    let response
    try {
      response = await fetch('api/v1/session', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ password }),
      })
    } catch {
      throw new Problem('page.box-lost')
    }
    if (!response.ok) throw Problem.from(await response.json().catch(() => null))
    this.#signedIn()
  }

  async signOut() {
    this.desk.hangUpAll()
    this.#socket.close()
    await fetch('api/v1/session', { method: 'DELETE' }).catch(() => {})
    this.desk.calls.dismiss()
    this.#update({ session: 'signed-out', connected: false })
  }

  get calls() {
    return this.desk.calls
  }

  #signedIn() {
    this.#update({ session: 'signed-in' })
    this.#socket.open()
  }

  #lost() {
    this.desk.news.lost()
    this.#update({ connected: false })
    // A session that has ended must lead to signing in, not to endless attempts.
    if (this.session !== 'signed-in' || this.#isAsking) return
    this.#isAsking = true
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(), SESSION_WITHIN)
    fetch('api/v1/session', { signal: patience.signal })
      .then((response) => {
        if (response.status !== 401) return
        this.desk.hangUpAll()
        this.#socket.close()
        this.desk.calls.dismiss()
        this.#update({ session: 'signed-out' })
      })
      .catch(() => {})
      .finally(() => {
        clearTimeout(timer)
        this.#isAsking = false
      })
  }

  /**
   * @param {string} method
   * @param {any} params
   */
  #notified(method, params) {
    if (method === 'phone.ready') return this.#update({ trunk: params.trunk })
    if (method === 'trunk.state') return this.#update({ trunk: params })
    if (method === 'phone.calls') return this.desk.news.reconcile(params.calls ?? [])
    this.desk.news.notified(method, params)
  }

  /** @param {Partial<Phone>} values */
  #update(values) {
    Object.assign(this, values)
    this.dispatchEvent(new Event('change'))
  }
}
