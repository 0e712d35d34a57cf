/** @typedef {import('./call.js').Call} Call */

/**
 * The calls of this page, and which of them is in front: the one that is heard and that the large buttons are for.
 *
 * ```
 *   taken ──▶ in front, or beside it ──▶ ended: put away while another goes on, and told in `passed`
 *                                          └──▶ the last one stays in front until it is dismissed
 * ```
 * Event: `change`, whenever one of them or their order is different.
 */
export class CallList extends EventTarget {
  /** @type {Call | null} goes on, rings or was the last one to end */
  front = null
  /** @type {Call | null} ended while another went on; shown until it is put away */
  passed = null
  /** @type {Call | null} the newest one */
  last = null
  /** @type {Call[]} that go on, the oldest first */
  live = []
  /** @type {string[]} calls that ended on this page, the newest last */
  #over = []

  /** @type {Call[]} that go on beside the one in front */
  get others() {
    return this.live.filter((call) => call !== this.front)
  }

  /** @param {string} identifier */
  find(identifier) {
    return this.live.find((call) => call.identifier === identifier)
  }

  /** @param {string} identifier */
  isOver(identifier) {
    return this.#over.includes(identifier)
  }

  /**
   * @param {Call} call whoever calls waits beside a call that goes on; whoever is called goes in front
   */
  take(call) {
    this.last = call
    if (this.live.length === 0) this.passed = null
    if (call.state !== 'incoming' || this.live.length === 0) this.front = call
    this.live.push(call)
    call.addEventListener('change', () => {
      if (!call.isLive) this.#ended(call)
      this.changed()
    })
    this.changed()
    return call
  }

  /** @param {Call} call */
  bringToFront(call) {
    if (!this.live.includes(call)) return
    this.front = call
    this.changed()
  }

  /** Puts away what has ended. */
  dismiss() {
    this.passed = null
    if (this.front && !this.front.isLive) this.front = null
    this.changed()
  }

  changed() {
    this.dispatchEvent(new Event('change'))
  }

  /** @param {Call} call */
  #ended(call) {
    const at = this.live.indexOf(call)
    if (at < 0) return
    this.live.splice(at, 1)
    if (call.identifier) this.#over = [...this.#over.slice(-31), call.identifier]
    if (this.live.length === 0) {
      this.front = call
      this.passed = null
      return
    }
    this.passed = call
    if (this.front === call) this.front = this.live.find((other) => other.isTalking) ?? oldest(this.live)
  }
}

/**
 * One that was answered rather than one that still rings.
 *
 * @param {Call[]} calls
 */
function oldest(calls) {
  return calls.find((call) => call.state !== 'incoming') ?? calls[0]
}
