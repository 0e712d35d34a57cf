import { Call } from './call.js'
import { PhoneSocket } from './phone-socket.js'
import { Problem } from './problem.js'

/** How long the box may take to hear that a call is over, in ms. */
const TOLD_WITHIN = 1000

/** @typedef {import('./sound-options.js').SoundOptions} SoundOptions */
/** @typedef {{name: string, state: 'none' | 'registering' | 'registered' | 'ready' | 'failed', problem?: {code: string, sentence: string, remedy: string}}} Trunk */

/**
 * The telephone behind the page: who is signed in, the trunk's state, and at most one call.
 *
 * Event: `change`, whenever something to be shown is different.
 */
export class Phone extends EventTarget {
  /** @type {'unknown' | 'signed-out' | 'signed-in'} */
  session = 'unknown'
  connected = false
  /** @type {Trunk} */
  trunk = { name: '', state: 'none' }
  /** @type {Call | null} the call that goes on, rings or has just ended */
  call = null
  /** @type {Call | null} */
  lastCall = null

  #socket = new PhoneSocket()
  /** Events of a call whose name is not known yet: they may overtake the answer to `call.start`. */
  #early = /** @type {any[]} */ ([])

  /** @param {SoundOptions} options */
  constructor(options) {
    super()
    this.options = options
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
    this.hangUp()
    this.#socket.close()
    await fetch('api/v1/session', { method: 'DELETE' }).catch(() => {})
    this.#update({ session: 'signed-out', connected: false, call: null })
  }

  get isBusy() {
    return this.call !== null && this.call.state !== 'ended'
  }

  /** @param {string} number */
  async dial(number) {
    if (this.isBusy) return
    const call = this.#take(new Call('outbound', number, '', this.options))
    this.#early = []
    try {
      await call.openMicrophone()
      if (call.state === 'ended') return
      const answer = await this.#socket.request('call.start', { to: number, sdp: await call.offer() })
      call.identifier = answer.call
      if (call.state === /** @type {string} */ ('ended')) {
        await this.#socket.request('call.end', { call: answer.call })
        return
      }
      await call.accept(answer.sdp)
      const early = this.#early
      this.#early = []
      for (const { method, params } of early) this.#notified(method, params)
    } catch (error) {
      this.#fail(call, error)
    }
  }

  async answer() {
    const call = this.call
    if (call?.state !== 'incoming') return
    try {
      await call.openMicrophone()
      await this.#socket.request('call.answer', { call: call.identifier })
    } catch (error) {
      if (call.identifier) this.#socket.request('call.end', { call: call.identifier }).catch(() => {})
      this.#fail(call, error)
    }
  }

  /** Hangs up, gives up or declines. */
  hangUp() {
    const call = this.call
    if (!call || call.state === 'ended') return
    const reason = call.state === 'incoming' ? 'call.declined' : 'call.hung-up-here'
    const told = call.identifier
      ? Promise.race([
          this.#socket.request('call.end', { call: call.identifier }).catch(() => {}),
          // A web process that hangs must not keep the far end on the line: the sound's end tells the box as well.
          new Promise((resolve) => setTimeout(resolve, TOLD_WITHIN)),
        ])
      : undefined
    call.end(new Problem(reason), told)
  }

  /** @param {string} digits */
  press(digits) {
    const call = this.call
    if (call?.state !== 'active' && call?.state !== 'early') return
    if (call.press(digits)) return
    this.#socket
      .request('call.digits', { call: call.identifier, digits })
      .catch((error) => call.notice(error))
  }

  /**
   * Holds the call, or takes it up again; the box says when it is so.
   *
   * @param {boolean} wanted
   */
  hold(wanted) {
    const call = this.call
    if (call?.state !== 'active') return
    this.#socket
      .request('call.hold', { call: call.identifier, held: wanted })
      .catch((error) => call.notice(error))
  }

  /**
   * Lets the other side call somebody else in the place of this page.
   *
   * @param {string} number
   */
  transfer(number) {
    const call = this.call
    if (call?.state !== 'active') return
    this.#socket
      .request('call.transfer', { call: call.identifier, to: number })
      .catch((error) => call.notice(error))
  }

  /** Puts the ended call away. */
  dismiss() {
    if (!this.isBusy) this.#update({ call: null })
  }

  #signedIn() {
    this.#update({ session: 'signed-in' })
    this.#socket.open()
  }

  #lost() {
    // Sound needs no socket: a call that has begun goes on, and `phone.calls` says later what became of it.
    const call = this.call
    if (call && (call.identifier === null || call.state === 'incoming')) call.end(new Problem('page.box-lost'))
    this.#update({ connected: false })
    // A session that has ended must lead to signing in, not to endless attempts.
    if (this.session !== 'signed-in') return
    fetch('api/v1/session')
      .then((response) => {
        if (response.status !== 401) return
        this.hangUp()
        this.#socket.close()
        this.#update({ session: 'signed-out' })
      })
      .catch(() => {})
  }

  /**
   * @param {string} method
   * @param {any} params
   */
  #notified(method, params) {
    if (method === 'phone.ready') return this.#update({ trunk: params.trunk })
    if (method === 'phone.calls') return this.#reconcile(params.calls ?? [])
    if (method === 'trunk.state') return this.#update({ trunk: params })
    if (method === 'call.incoming') return void this.#ring(params)
    const call = this.call
    if (!call) return
    if (call.identifier === null) {
      if (this.#early.length < 64) this.#early.push({ method, params })
      return
    }
    if (call.identifier !== params.call) return
    switch (method) {
      case 'call.state':
        return call.setState(params.state)
      case 'call.held':
        return call.setHeld(params.here === true, params.there === true)
      case 'call.codec':
        return void call.follow(params.codec)
      case 'call.digit':
        return call.hear(params.digit)
      case 'call.notice':
        return call.notice(Problem.from(params))
      case 'call.ended':
        return call.end(Problem.from(params))
    }
  }

  /**
   * Brings this page and the box to the same view after one of them was away.
   *
   * @param {{call: string, state: import('./call.js').CallState}[]} ongoing
   */
  #reconcile(ongoing) {
    const call = this.call
    const isHere = call !== null && call.identifier !== null && call.state !== 'ended'
    const known = isHere ? ongoing.find((other) => other.call === call.identifier) : undefined
    if (isHere && known) call.setState(known.state)
    if (isHere && !known) call.end(new Problem('page.call-lost'))
    // While a call is being dialled its name is not known yet.
    if (call?.identifier === null && call.state !== 'ended') return
    for (const other of ongoing) {
      if (other === known || other.state === 'incoming') continue
      // Hung up here while the box could not be told, or never known: it must not cost money on.
      this.#socket.request('call.end', { call: other.call }).catch(() => {})
    }
  }

  /** @param {{call: string, from?: string, name?: string, to?: string}} params `to`: whom the box calls once this page answers */
  async #ring(params) {
    if (this.isBusy) return
    const direction = params.to === undefined ? 'inbound' : 'summoned'
    const call = new Call(direction, params.to ?? params.from ?? '', params.name ?? '', this.options)
    call.identifier = params.call
    this.#take(call)
    try {
      const answer = await this.#socket.request('call.offer', { call: params.call, sdp: await call.offer() })
      await call.accept(answer.sdp)
    } catch (error) {
      this.#fail(call, error)
    }
  }

  /**
   * @param {Call} call
   * @param {unknown} error
   */
  #fail(call, error) {
    call.end(error instanceof Problem ? error : new Problem('page.unknown', String(error)))
  }

  /** @param {Call} call */
  #take(call) {
    this.call = call
    this.lastCall = call
    call.addEventListener('change', () => this.#update({}))
    this.#update({})
    return call
  }

  /** @param {Partial<Phone>} values */
  #update(values) {
    Object.assign(this, values)
    this.dispatchEvent(new Event('change'))
  }
}
