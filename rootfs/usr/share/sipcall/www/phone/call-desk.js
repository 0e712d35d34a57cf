import { BringingTogether } from './bringing-together.js'
import { CallList } from './call-list.js'
import { Call } from './call.js'
import { Microphone } from './microphone.js'
import { Problem } from './problem.js'

/** How long the box may take to hear that a call is over, in ms. */
const TOLD_WITHIN = 1000
/** Calls that a page makes and takes; one more may ring. */
const MOST = 2
const MOST_EARLY = 64

/** @typedef {import('./phone-socket.js').PhoneSocket} PhoneSocket */
/** @typedef {import('./sound-options.js').SoundOptions} SoundOptions */

/**
 * Everything that can be done with the calls of this page, and what the box tells of them.
 *
 * Nobody hears two calls at once: whoever is called or answered beside a call first puts that one on hold.
 */
export class CallDesk {
  calls = new CallList()
  /** @type {BringingTogether | null} while two calls are being made one */
  joining = null

  #socket
  #options
  #microphone
  /** Events of a call whose name is not known yet: they may overtake the answer to `call.start`. */
  #early = /** @type {{method: string, params: any}[]} */ ([])
  /** Holds are under way: a second press on a button must not cross them. */
  #isChanging = false

  /**
   * @param {PhoneSocket} socket
   * @param {SoundOptions} options
   */
  constructor(socket, options) {
    this.#socket = socket
    this.#options = options
    this.#microphone = new Microphone(options)
  }

  get front() {
    return this.calls.front
  }

  /** Whether somebody else may be called beside the call in front. */
  get mayAskFirst() {
    return this.calls.live.length < MOST && this.front?.mayBeHeld === true
  }

  /** The call that the one in front can be swapped with, or brought together with, once both were answered. */
  get partner() {
    if (!this.front?.mayBeHeld) return null
    return this.calls.others.find((call) => call.mayBeHeld) ?? null
  }

  /** @param {string} number */
  async dial(number) {
    if (this.calls.live.filter((call) => call.state !== 'incoming').length >= MOST) return
    await this.#change(async () => {
      if (!(await this.#holdAllBut(null))) return
      const call = this.calls.take(new Call('outbound', number, '', this.#microphone, this.#options))
      this.#early = []
      this.#start(call)
    })
  }

  /**
   * Takes a call that rings. One that goes on meanwhile is held; where nobody could wait it is ended.
   *
   * @param {Call | null} call
   */
  async answer(call = this.front) {
    if (call?.state !== 'incoming') return
    await this.#change(async () => {
      for (const other of [...this.calls.live]) if (this.endsWhenAnswered(other, call)) this.hangUp(other)
      if (!(await this.#holdAllBut(call)) || !call.isLive) return
      try {
        await call.openMicrophone()
        await this.#socket.request('call.answer', { call: call.identifier })
        this.calls.bringToFront(call)
      } catch (error) {
        if (call.identifier) this.#socket.request('call.end', { call: call.identifier }).catch(() => {})
        fail(call, error)
      }
    })
  }

  /**
   * Whether the answer to one call costs the other.
   *
   * @param {Call} other
   * @param {Call} call
   */
  endsWhenAnswered(other, call) {
    return other !== call && other.isTalking && !other.mayBeHeld
  }

  /**
   * Hangs up, gives up or declines.
   *
   * @param {Call | null} call
   */
  hangUp(call = this.front) {
    if (!call?.isLive) return
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

  hangUpAll() {
    for (const call of [...this.calls.live]) this.hangUp(call)
  }

  /** @param {string} digits */
  press(digits) {
    const call = this.front
    if (call?.state !== 'active' && call?.state !== 'early') return
    if (!call.press(digits)) this.#ask(call, 'call.digits', { digits })
  }

  /**
   * Holds the call in front, or takes it up again; the box says when it is so.
   *
   * @param {boolean} wanted
   */
  hold(wanted) {
    const call = this.front
    if (call?.mayBeHeld) return this.#change(() => this.#ask(call, 'call.hold', { held: wanted }))
  }

  /** Holds the call in front and takes up the other. */
  async swap() {
    const next = this.partner
    if (!next) return
    await this.#change(async () => {
      if (!(await this.#holdAllBut(next))) return
      if (await this.#ask(next, 'call.hold', { held: false })) this.calls.bringToFront(next)
    })
  }

  /**
   * Lets the other side call somebody else in the place of this page.
   *
   * @param {string} number
   */
  transfer(number) {
    const call = this.front
    if (call?.mayBeHeld) return this.#ask(call, 'call.transfer', { to: number })
  }

  /** Lets the far sides of both calls talk to each other, without this page. */
  bringTogether() {
    const [call, other] = [this.partner, this.front]
    if (!call || !other?.mayBeHeld || this.joining) return
    this.joining = new BringingTogether(call, other, (problem) => {
      this.joining = null
      if (problem) (this.front ?? other).notice(problem)
      else this.calls.changed()
    })
    this.calls.changed()
    this.joining.begin(
      this.#socket.request('call.transfer', { call: call.identifier, other: other.identifier }),
      (left) => this.#socket.request('call.end', { call: left.identifier }).catch(() => {}))
  }

  /** The phone socket is gone. Sound needs none: a call that has begun goes on, and `reconcile` says what became of it. */
  lost() {
    for (const call of [...this.calls.live]) {
      if (call.identifier === null || call.state === 'incoming') call.end(new Problem('page.box-lost'))
    }
  }

  /**
   * What the box tells of a call.
   *
   * @param {string} method
   * @param {any} params
   */
  notified(method, params) {
    if (method === 'call.incoming') return void this.#ring(params)
    const call = this.calls.find(params.call)
    if (!call) {
      if (this.calls.live.some((other) => other.identifier === null) && this.#early.length < MOST_EARLY) {
        this.#early.push({ method, params })
      }
      return
    }
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
        if (this.joining?.failed(call, params.code)) return
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
  reconcile(ongoing) {
    for (const call of [...this.calls.live]) {
      if (call.identifier === null) continue
      const known = ongoing.find((other) => other.call === call.identifier)
      if (known) call.setState(known.state)
      else call.end(new Problem('page.call-lost'))
    }
    // While a call is being dialled its name is not known yet.
    if (this.calls.live.some((call) => call.identifier === null)) return
    for (const other of ongoing) {
      if (this.calls.find(other.call) || other.state === 'incoming') continue
      // Hung up here while the box could not be told, or never known: it must not cost money on.
      this.#socket.request('call.end', { call: other.call }).catch(() => {})
    }
  }

  /** @param {Call} call that was just taken */
  async #start(call) {
    try {
      await call.openMicrophone()
      if (!call.isLive) return
      const answer = await this.#socket.request('call.start', { to: call.party, sdp: await call.offer() })
      call.identifier = answer.call
      if (!call.isLive) {
        await this.#socket.request('call.end', { call: answer.call })
        return
      }
      await call.accept(answer.sdp)
      const early = this.#early
      this.#early = []
      for (const { method, params } of early) this.notified(method, params)
    } catch (error) {
      fail(call, error)
    }
  }

  /** @param {{call: string, from?: string, name?: string, to?: string}} params `to`: whom the box calls once this page answers */
  async #ring(params) {
    if (this.calls.find(params.call)) return
    const direction = params.to === undefined ? 'inbound' : 'summoned'
    const party = params.to ?? params.from ?? ''
    const call = new Call(direction, party, params.name ?? '', this.#microphone, this.#options)
    call.identifier = params.call
    this.calls.take(call)
    try {
      const answer = await this.#socket.request('call.offer', { call: params.call, sdp: await call.offer() })
      await call.accept(answer.sdp)
    } catch (error) {
      fail(call, error)
    }
  }

  /**
   * @param {Call | null} kept
   * @returns {Promise<boolean>} false if one of them cannot wait: nothing else is to be done then
   */
  async #holdAllBut(kept) {
    for (const call of [...this.calls.live]) {
      if (call === kept || !call.isTalking) continue
      if (!call.mayBeHeld || !(await this.#ask(call, 'call.hold', { held: true }))) return false
    }
    return true
  }

  /**
   * Asks the box for something about a call; what it says against it is shown with the call.
   *
   * @param {Call} call
   * @param {string} method
   * @param {object} params
   * @returns {Promise<boolean>} whether it was done
   */
  async #ask(call, method, params) {
    try {
      await this.#socket.request(method, { call: call.identifier, ...params })
      return true
    } catch (error) {
      call.notice(error instanceof Problem ? error : new Problem('page.unknown', String(error)))
      return false
    }
  }

  /** @param {() => Promise<unknown>} body */
  async #change(body) {
    if (this.#isChanging) return
    this.#isChanging = true
    try {
      await body()
    } finally {
      this.#isChanging = false
    }
  }
}

/**
 * @param {Call} call
 * @param {unknown} error
 */
function fail(call, error) {
  call.end(error instanceof Problem ? error : new Problem('page.unknown', String(error)))
}
