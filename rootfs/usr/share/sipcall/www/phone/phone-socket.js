import { Problem } from './problem.js'
import { TabName } from './tab-name.js'

/** @typedef {{method: string, params: any}} Notification */

const REPLY_WITHIN = 12_000
/** A network that swallows packets answers no attempt at all, and browsers wait for minutes. */
const OPEN_WITHIN = 5_000
/** A dead network leaves a socket open for many minutes: whoever is there answers, and a page hears it within 15 s if nobody is. */
const PING_EVERY = 10_000
const PONG_WITHIN = 5_000
const FIRST_PAUSE = 500
/** Short, for somebody may be talking meanwhile. */
const LONGEST_PAUSE = 3_000
/** The box closes with this code when the page's name is another user's. */
const IDENTITY_REFUSED = 4403

/**
 * The phone socket: JSON-RPC 2.0 over one WebSocket, opened again whenever it is lost.
 *
 * Events: `open`, `lost`, `notification` (CustomEvent<Notification>).
 */
export class PhoneSocket extends EventTarget {
  /** @type {WebSocket | null} */
  #socket = null
  #nextID = 1
  /** @type {Map<number, {resolve: (value: any) => void, reject: (reason: Problem) => void, timer: number}>} */
  #waiting = new Map()
  #pause = FIRST_PAUSE
  #wanted = false
  #timer = 0
  #askToken
  /** Counts the attempts: one that was overtaken by another comes to nothing. */
  #attempt = 0
  /** Until the next ping, while the socket is open. */
  #pingTimer = 0
  name = new TabName()
  /** What this tab was called before it was loaded anew. */
  #recalled = this.name.recall()

  /** @param {() => Promise<string>} token gives an access token; empty when nobody is signed in */
  constructor(token) {
    super()
    this.#askToken = token
    addEventListener('online', () => {
      if (this.#wanted && !this.#socket) this.open()
    })
  }

  open() {
    clearTimeout(this.#timer)
    this.#wanted = true
    const attempt = ++this.#attempt
    this.#recalled.then(() => this.#askToken()).then(
      (token) => {
        if (this.#wanted && attempt === this.#attempt && token) this.#connect(token)
      },
      () => {
        if (this.#wanted && attempt === this.#attempt) this.#tryAgain()
      },
    )
  }

  /** @param {string} token */
  #connect(token) {
    const address = new URL('api/v1/phone', location.href)
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
    address.search = this.name.value ? `?phone=${this.name.value}` : ''
    // A browser adds no headers of ours to this request: the token goes as a subprotocol.
    const socket = new WebSocket(address, ['sipcall.v1', `bearer.${token}`])
    this.#socket = socket
    this.#timer = setTimeout(() => this.#giveUp(socket), OPEN_WITHIN)
    socket.onopen = () => {
      if (this.#socket !== socket) return
      clearTimeout(this.#timer)
      this.#pause = FIRST_PAUSE
      this.#pingLater(socket)
      this.dispatchEvent(new Event('open'))
    }
    socket.onmessage = (event) => this.#received(String(event.data))
    socket.onclose = (event) => {
      if (this.#socket === socket && event.code === IDENTITY_REFUSED) this.name.keep('')
      this.#closed(socket)
    }
  }

  /** Says goodbye: calls on this socket end. */
  close() {
    this.#wanted = false
    this.#attempt += 1
    this.name.keep('')
    clearTimeout(this.#timer)
    this.#socket?.close(1000)
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  /** @param {WebSocket} socket */
  #pingLater(socket) {
    clearTimeout(this.#pingTimer)
    this.#pingTimer = setTimeout(() => {
      this.request('phone.ping', {}, PONG_WITHIN).then(
        () => this.#pingLater(socket),
        () => this.#giveUp(socket),
      )
    }, PING_EVERY)
  }

  /**
   * The other end is not there: its goodbye is not waited for.
   *
   * @param {WebSocket} socket
   */
  #giveUp(socket) {
    if (this.#socket !== socket) return
    socket.close()
    this.#closed(socket)
  }

  /**
   * @param {string} method
   * @param {object} params
   * @param {number} [within] milliseconds
   * @returns {Promise<any>} rejects with a Problem
   */
  request(method, params, within = REPLY_WITHIN) {
    if (!this.isOpen) return Promise.reject(new Problem('page.box-lost'))
    const id = this.#nextID++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Problem('page.no-reply'))
      }, within)
      this.#waiting.set(id, { resolve, reject, timer })
      this.#socket?.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    })
  }

  /** @param {string} text */
  #received(text) {
    let message
    try {
      message = JSON.parse(text)
    } catch {
      return
    }
    if (typeof message?.method === 'string') {
      if (message.method === 'phone.ready') this.name.keep(message.params?.phone ?? '')
      this.dispatchEvent(new CustomEvent('notification', { detail: { method: message.method, params: message.params } }))
      return
    }
    const waiting = this.#waiting.get(message?.id)
    if (!waiting) return
    this.#waiting.delete(message.id)
    clearTimeout(waiting.timer)
    if (message.error) {
      waiting.reject(Problem.from(message.error.data ?? { code: 'page.unknown', sentence: message.error.message }))
    } else {
      waiting.resolve(message.result)
    }
  }

  /** @param {WebSocket} socket */
  #closed(socket) {
    if (this.#socket !== socket) return
    this.#socket = null
    clearTimeout(this.#pingTimer)
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(new Problem('page.box-lost'))
    }
    this.#waiting.clear()
    this.dispatchEvent(new Event('lost'))
    clearTimeout(this.#timer)
    if (this.#wanted) this.#tryAgain()
  }

  #tryAgain() {
    this.#timer = setTimeout(() => this.open(), this.#pause)
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE)
  }
}
