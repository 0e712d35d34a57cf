import { Problem } from './problem.js'

/** @typedef {import('./call.js').Call} Call */

/** How long the provider may take to say how it went, in ms. */
const PATIENCE = 40_000
/** Whoever took our place in a call hangs up on us; one that does not is left after this time, in ms. */
const GRACE = 3000

/**
 * Two calls on their way to become one without this page (RFC 5589 §7).
 *
 * ```
 *   asked ──one is transferred──▶ the other ends too ──▶ done
 *     └──refused, no news, or one of them hung up──▶ both, or the one that is left, go on
 * ```
 */
export class BringingTogether {
  #call
  #other
  #done
  #timer = 0
  #isOver = false

  /**
   * @param {Call} call whose far side is asked
   * @param {Call} other that it takes over
   * @param {(problem?: Problem) => void} done with a problem if both go on as before
   */
  constructor(call, other, done) {
    this.#call = call
    this.#other = other
    this.#done = done
  }

  /**
   * @param {Promise<unknown>} asked
   * @param {(left: Call) => void} release ends a call that nobody has taken over
   */
  begin(asked, release) {
    this.#timer = setTimeout(() => this.#finish(new Problem('page.not-brought-together')), PATIENCE)
    const watch = () => this.#watch(release)
    this.#call.addEventListener('change', watch)
    this.#other.addEventListener('change', watch)
    asked.catch((error) => this.#finish(error instanceof Problem ? error : new Problem('page.unknown', String(error))))
  }

  /**
   * @param {Call} call that the box has a notice for
   * @param {string} code
   * @returns {boolean} whether it was the answer to this wish
   */
  failed(call, code) {
    if (call !== this.#call || code !== 'call.transfer-failed') return false
    this.#finish(new Problem('page.not-brought-together'))
    return true
  }

  /** @param {(left: Call) => void} release */
  #watch(release) {
    if (this.#isOver || (this.#call.isLive && this.#other.isLive)) return
    const isTransferred = [this.#call, this.#other].some((call) => call.problem?.code === 'call.transferred')
    const left = [this.#call, this.#other].find((call) => call.isLive)
    if (!isTransferred || !left) return this.#finish()
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      release(left)
      left.end(new Problem('call.transferred'))
    }, GRACE)
    left.addEventListener('change', () => {
      if (left.isLive) return
      clearTimeout(this.#timer)
      this.#done()
    })
  }

  /** @param {Problem} [problem] */
  #finish(problem) {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#done(problem)
  }
}
