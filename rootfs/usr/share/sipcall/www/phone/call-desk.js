import { BringingTogether } from './bringing-together.js'
import { CallList } from './call-list.js'
import { CallNews } from './call-news.js'
import { Call } from './call.js'
import { Microphone } from './microphone.js'
import { Problem } from './problem.js'

/** How long the box may take to hear that a call is over, in ms. */
const TOLD_WITHIN = 1000
/** Calls that a page may be in, as the box counts them. */
const MOST = 2

/** @typedef {import('./phone-socket.js').PhoneSocket} PhoneSocket */
/** @typedef {import('./sound-options.js').SoundOptions} SoundOptions */

/**
 * Everything that can be done with the calls of this page.
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
    this.news = new CallNews(this.calls, socket, {
      make: (direction, party, name) => this.#make(direction, party, name),
      takeBack: (known) => void this.#takeBack(known),
      checkSound: (call) => void this.#checkSound(call),
      isAnswerToWish: (call, code) => this.joining?.failed(call, code) === true,
    })
  }

  get front() {
    return this.calls.front
  }

  /** Whether the other side of the call in front may be led to somebody else. */
  get mayTransfer() {
    return this.front?.mayBeHeld === true && this.calls.others.every((call) => call.state === 'incoming')
  }

  /** Whether that may begin with a question: the box takes no call beside one that waits to be answered. */
  get mayAskFirst() {
    return this.mayTransfer && this.calls.live.length < MOST
  }

  /** The call that the one in front can be swapped with, or brought together with, once both were answered. */
  get partner() {
    if (!this.front?.mayBeHeld) return null
    return this.calls.others.find((call) => call.mayBeHeld) ?? null
  }

  /**
   * @param {string} number
   * @param {boolean} [hidden] whoever is called is not told who calls
   */
  async dial(number, hidden = false) {
    if (this.calls.live.filter((call) => call.state !== 'incoming').length >= MOST) return
    await this.#change(async () => {
      if (!(await this.#holdAllBut(null))) return
      const call = this.#make('outbound', number, '')
      call.hidden = hidden
      this.calls.take(call)
      this.news.forgetEarly()
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
      for (const other of [...this.calls.live]) {
        if (other !== call && other.isTalking && !other.mayBeHeld) this.hangUp(other)
      }
      if (!(await this.#holdAllBut(call)) || !call.isLive) return
      try {
        await call.openMicrophone()
        await this.#socket.request('call.answer', { call: call.identifier })
        this.calls.bringToFront(call)
      } catch (error) {
        if (call.identifier) this.#socket.request('call.end', { call: call.identifier }).catch(() => {})
        call.fail(error)
      }
    })
  }

  /**
   * What the answer to one call does to another.
   *
   * @param {Call} call
   * @returns {'end' | 'hold' | null}
   */
  whatAnswerDoes(call) {
    const talking = this.calls.live.filter((other) => other !== call && other.isTalking)
    if (talking.length === 0) return null
    return talking.every((other) => other.mayBeHeld) ? 'hold' : 'end'
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
    if (call?.mayBeHeld) this.#change(() => this.#ask(call, 'call.hold', { held: wanted }))
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
    if (call?.mayBeHeld) this.#ask(call, 'call.transfer', { to: number })
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

  /**
   * @param {Call['direction']} direction
   * @param {string} party
   * @param {string} name
   */
  #make(direction, party, name) {
    const call = new Call(direction, party, name, this.#microphone, this.#options)
    call.addEventListener('sound-lost', () => this.#checkSound(call))
    call.addEventListener('change', () => this.#keepMuted())
    return call
  }

  /** @param {import('./call-news.js').KnownCall} known a call that this tab had before it was loaded anew */
  async #takeBack(known) {
    const call = this.#make(known.direction, known.party ?? '', known.name ?? '')
    call.takeBack(known)
    call.muted = this.#socket.name.wasMuted(known.call)
    this.calls.take(call)
    try {
      await call.openMicrophone()
      await this.#makeSound(call)
      if (call.isTalking && !this.front?.isTalking) this.calls.bringToFront(call)
    } catch (error) {
      this.#socket.request('call.end', { call: call.identifier }).catch(() => {})
      call.fail(error)
    }
  }

  /**
   * Makes the sound of a call anew that was cut off, for example because the network is another one now.
   *
   * @param {Call} call
   */
  async #checkSound(call) {
    // Without the box there is nobody to ask: it is looked at again once the socket is back.
    if (!call.isSoundLost || !this.#socket.isOpen || call.identifier === null) return
    try {
      await call.connectAgain()
      await this.#makeSound(call)
    } catch {
      // Lost again meanwhile, which is told anew; or the call is over, which the box tells.
    }
  }

  /** @param {Call} call whose sound the box knows nothing of yet */
  async #makeSound(call) {
    if (!call.isLive) return
    const answer = await this.#socket.request('call.offer', { call: call.identifier, sdp: await call.offer() })
    await call.accept(answer.sdp)
  }

  #keepMuted() {
    const muted = this.calls.live.filter((call) => call.muted && call.identifier)
    this.#socket.name.keepMuted(muted.map((call) => call.identifier ?? ''))
  }

  /** @param {Call} call that was just taken */
  async #start(call) {
    try {
      await call.openMicrophone()
      if (!call.isLive) return
      const answer = await this.#socket.request('call.start', {
        to: call.party, sdp: await call.offer(), ...(call.hidden ? { hidden: true } : {}),
      })
      call.identifier = answer.call
      if (!call.isLive) {
        await this.#socket.request('call.end', { call: answer.call })
        return
      }
      await call.accept(answer.sdp)
      this.news.catchUp()
    } catch (error) {
      call.fail(error)
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
