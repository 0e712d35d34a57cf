import { CallDesk } from './call-desk.js'
import { PhoneSocket } from './phone-socket.js'
import { Problem } from './problem.js'
import { Session } from './session.js'

/** @typedef {import('./sound-options.js').SoundOptions} SoundOptions */
/** @typedef {{name: string, state: 'none' | 'registering' | 'registered' | 'ready' | 'failed', problem?: {code: string, sentence: string, remedy: string}}} Trunk */

/**
 * The telephone behind the page: who is signed in, the line to the box, the trunk's state, and the calls.
 *
 * Event: `change`, whenever something to be shown is different.
 */
export class Phone extends EventTarget {
  /** @type {'unknown' | 'unclaimed' | 'signed-out' | 'invited' | 'signed-in'} */
  session = 'unknown'
  connected = false
  /** @type {Trunk} */
  trunk = { name: '', state: 'none' }

  /** Whose page it is. */
  identity = new Session()
  /** The secret of an invitation whose owner is to choose a password; empty without one. */
  invitation = ''
  /** The token of a new box, whose owner is to claim it; empty where the link had none. */
  setupToken = ''
  #socket = new PhoneSocket(() => this.identity.token())

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
   * @param {{password?: string, invitation?: string, setup?: string}} link what the page's address asked for
   */
  async begin(link) {
    if (link.invitation) {
      this.invitation = link.invitation
      return this.#update({ session: 'invited' })
    }
    this.setupToken = link.setup ?? this.setupToken
    try {
      if (link.password) return await this.signIn('admin', link.password)
    } catch {
      // A link that has been used already: its owner is signed in, or has another password.
    }
    try {
      if (await this.identity.renew()) return this.#signedIn()
    } catch (error) {
      if (error instanceof Problem && error.code === 'setup.unclaimed') return this.#update({ session: 'unclaimed' })
      // Shown as signed out; signing in says what is wrong.
    }
    this.#update({ session: 'signed-out' })
  }

  /**
   * @param {string} user
   * @param {string} password
   * @param {string} [code] one-time password or recovery code
   * @throws {Problem}
   */
  async signIn(user, password, code = '') {
    await this.identity.signIn(user, password, code)
    this.#signedIn()
  }

  /**
   * @param {string} password the one that an invited person has chosen
   * @throws {Problem}
   */
  async accept(password) {
    await this.identity.accept(this.invitation, password)
    this.#signedIn()
  }

  /**
   * Makes the owner's account of a new box.
   *
   * @param {string} token
   * @param {string} user
   * @param {string} name
   * @param {string} password
   * @throws {Problem}
   */
  async claim(token, user, name, password) {
    await this.identity.claim(token, user, name, password)
    this.setupToken = ''
    this.#signedIn()
  }

  /** @throws {Problem} page.sign-out-failed: nothing has changed, calls go on */
  async signOut() {
    await this.identity.signOut()
    this.#ended()
  }

  /**
   * Asks the box in the name of whoever is signed in.
   *
   * @param {'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} method
   * @param {string} path behind `api/v1/`
   * @param {object} [body]
   * @returns {Promise<any>} see `Session.ask`
   * @throws {Problem}
   */
  async ask(method, path, body) {
    try {
      return await this.identity.ask(method, path, body)
    } catch (error) {
      if (/** @type {any} */ (error)?.code === 'web.not-signed-in') this.#ended()
      throw error
    }
  }

  /**
   * Chooses another password; every other session ends, and what goes on here goes on.
   *
   * @param {string} present
   * @param {string} password
   * @throws {Problem}
   */
  async changePassword(present, password) {
    await this.identity.changePassword(present, password)
  }

  /** The session is over. */
  #ended() {
    this.desk.hangUpAll()
    this.#socket.close()
    this.desk.calls.dismiss()
    this.#update({ session: 'signed-out', connected: false })
  }

  get calls() {
    return this.desk.calls
  }

  /** Whether the box opens a line for whoever is signed in. */
  get mayTelephone() {
    return this.identity.person?.role !== 'auditor'
  }

  #signedIn() {
    this.#update({ session: 'signed-in' })
    if (this.mayTelephone) this.#socket.open()
  }

  #lost() {
    this.desk.news.lost()
    this.#update({ connected: false })
    // A session that has ended must lead to signing in, not to endless attempts.
    if (this.session !== 'signed-in') return
    this.identity.renew().then(
      (isSignedIn) => {
        if (!isSignedIn) this.#ended()
      },
      () => {},
    )
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
