import { Problem } from './problem.js'

/** Events of calls that this page does not know yet; more of them are nobody's. */
const MOST_EARLY = 64

/** @typedef {import('./call-list.js').CallList} CallList */
/** @typedef {import('./call.js').Call} Call */
/** @typedef {import('./phone-socket.js').PhoneSocket} PhoneSocket */

/**
 * A call of this page as the box knows it; `seconds` since it was answered.
 *
 * @typedef {{call: string, state: import('./call.js').CallState, direction: 'inbound' | 'outbound', party?: string, name?: string,
 *   verification?: Call['verification'], seconds?: number, hidden: boolean}} KnownCall
 */

/** What the box tells of the calls of this page, each to the call that it is about. */
export class CallNews {
  #calls
  #socket
  #desk
  /** Events of a call whose name is not known yet: they may overtake the answer to `call.start`. */
  #early = /** @type {{method: string, params: any}[]} */ ([])

  /**
   * @param {CallList} calls
   * @param {PhoneSocket} socket
   * @param {{make: (direction: Call['direction'], party: string, name: string) => Call,
   *   takeBack: (known: KnownCall) => void, checkSound: (call: Call) => void,
   *   isAnswerToWish: (call: Call, code: string) => boolean}} desk makes calls, and may have waited for a notice
   */
  constructor(calls, socket, desk) {
    this.#calls = calls
    this.#socket = socket
    this.#desk = desk
  }

  forgetEarly() {
    this.#early = []
  }

  /** The call that is being dialled has its name now. */
  catchUp() {
    const early = this.#early
    this.#early = []
    for (const { method, params } of early) this.notified(method, params)
  }

  /** The phone socket is gone. Sound needs none: a call that has begun goes on, and `reconcile` says what became of it. */
  lost() {
    for (const call of [...this.#calls.live]) {
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
    const call = this.#calls.find(params.call)
    if (!call) {
      if (this.#calls.live.some((other) => other.identifier === null) && this.#early.length < MOST_EARLY) {
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
        if (this.#desk.isAnswerToWish(call, params.code)) return
        return call.notice(Problem.from(params))
      case 'call.ended':
        return call.end(Problem.from(params))
    }
  }

  /**
   * Brings this page and the box to the same view after one of them was away.
   *
   * @param {KnownCall[]} ongoing
   */
  reconcile(ongoing) {
    for (const call of [...this.#calls.live]) {
      if (call.identifier === null) continue
      const known = ongoing.find((other) => other.call === call.identifier)
      if (known) {
        call.setState(known.state)
        this.#desk.checkSound(call)
      } else call.end(new Problem('page.call-lost'))
    }
    // While a call is being dialled its name is not known yet.
    if (this.#calls.live.some((call) => call.identifier === null)) return
    for (const other of ongoing) {
      if (this.#calls.find(other.call) || other.state === 'incoming') continue
      // Hung up here while the box could not be told: it must not cost money on. Any other was this tab's before a reload.
      if (this.#calls.isOver(other.call)) this.#socket.request('call.end', { call: other.call }).catch(() => {})
      else this.#desk.takeBack(other)
    }
  }

  /** @param {{call: string, from?: string, name?: string, to?: string,
   *   verification?: import('./call.js').Call['verification']}} params `to`: whom the box calls once this page answers */
  async #ring(params) {
    if (this.#calls.find(params.call)) return
    const direction = params.to === undefined ? 'inbound' : 'summoned'
    const party = params.to ?? params.from ?? ''
    const call = this.#desk.make(direction, party, params.name ?? '')
    call.identifier = params.call
    call.verification = params.verification ?? ''
    this.#calls.take(call)
    try {
      const answer = await this.#socket.request('call.offer', { call: params.call, sdp: await call.offer() })
      await call.accept(answer.sdp)
    } catch (error) {
      call.fail(error)
    }
  }
}
