import { Problem } from './problem.js'

/** @typedef {{user: string, name: string, role: 'owner' | 'admin' | 'user' | 'auditor', language: string | null}} Person */

/** Seconds before its end that a token is renewed. */
const AHEAD = 60
/** Milliseconds. The box takes its time over passwords, on purpose. */
const ANSWER_WITHIN = 10_000

/**
 * Who is signed in here. The access token is kept in this page's memory alone; with a cookie that no script can read the
 * page gets the next one.
 */
export class Session {
  /** @type {Person | null} */
  person = null
  #token = ''
  /** By `performance.now()`. */
  #end = 0
  /** @type {Promise<boolean> | null} one question at a time, whoever asks */
  #renewing = null

  /**
   * @param {string} user
   * @param {string} password
   * @param {string} [code] one-time password or recovery code
   * @throws {Problem}
   */
  async signIn(user, password, code = '') {
    await this.#begin('api/v1/session', { user, password, code: code || undefined })
  }

  /**
   * Whom a link is for.
   *
   * @param {string} invitation
   * @returns {Promise<{user: string, name: string}>}
   * @throws {Problem}
   */
  async invited(invitation) {
    const response = await post('api/v1/invitation', { invitation })
    if (!response.ok) throw await problem(response)
    return await response.json()
  }

  /**
   * Uses a link up: its owner chooses a password and is signed in.
   *
   * @param {string} invitation
   * @param {string} password
   * @throws {Problem}
   */
  async accept(invitation, password) {
    await this.#begin('api/v1/invitation/acceptance', { invitation, password })
  }

  /**
   * Makes a new box one's own, and is signed in as its owner.
   *
   * @param {string} token
   * @param {string} user
   * @param {string} name
   * @param {string} password
   * @throws {Problem}
   */
  async claim(token, user, name, password) {
    await this.#begin('api/v1/setup/claim', { token, name: user, display_name: name, password })
  }

  /**
   * Ends the session and its cookie. Unless the box has heard it nobody is signed out: the cookie would sign in again.
   *
   * @throws {Problem} page.sign-out-failed
   */
  async signOut() {
    const response = await send('DELETE', 'api/v1/session').catch(() => null)
    if (!response?.ok) throw new Problem('page.sign-out-failed')
    this.#forget()
  }

  /**
   * Asks the box in this person's name.
   *
   * @param {'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} method
   * @param {string} path behind `api/v1/`
   * @param {object} [body]
   * @returns {Promise<any>} null for an answer without content
   * @throws {Problem} web.not-signed-in when the session is over
   */
  async ask(method, path, body) {
    let response = await send(method, `api/v1/${path}`, body, await this.token())
    if (response.status === 401) {
      // The token may be older than what ended it.
      if (!(await this.renew())) throw new Problem('web.not-signed-in')
      response = await send(method, `api/v1/${path}`, body, this.#token)
    }
    if (!response.ok) throw await problem(response)
    return response.status === 204 ? null : await response.json()
  }

  /**
   * @param {string} present
   * @param {string} password
   * @throws {Problem}
   */
  async changePassword(present, password) {
    this.#keep(await this.ask('PUT', 'account/password', { present, password }))
  }

  /**
   * What the box calls this person now.
   *
   * @param {string} name
   * @param {string | null} language
   */
  describe(name, language) {
    if (this.person) Object.assign(this.person, { name, language })
  }

  /**
   * A token that is good for a while.
   *
   * @returns {Promise<string>} empty when nobody is signed in any more
   * @throws {Problem} page.box-lost
   */
  async token() {
    if (!this.#renewing && this.#token && performance.now() < this.#end) return this.#token
    return (await this.renew()) ? this.#token : ''
  }

  /**
   * Whether somebody is signed in, as the box says now.
   *
   * @returns {Promise<boolean>}
   * @throws {Problem} page.box-lost
   */
  renew() {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null
    })
    return this.#renewing
  }

  async #renew() {
    const response = await post('api/v1/session/renewal', {})
    if (response.status === 401) {
      this.#forget()
      return false
    }
    if (!response.ok) throw await problem(response)
    this.#keep(await response.json())
    return true
  }

  /**
   * @param {string} address
   * @param {object} body
   */
  async #begin(address, body) {
    const response = await post(address, body)
    if (!response.ok) throw await problem(response)
    this.#keep(await response.json())
  }

  /** @param {Person & {token: string, expires: number}} answer */
  #keep(answer) {
    const { user, name, role, language } = answer
    this.person = { user, name, role, language }
    this.#token = answer.token
    this.#end = performance.now() + (answer.expires - AHEAD) * 1000
  }

  #forget() {
    this.person = null
    this.#token = ''
  }
}

/**
 * @param {string} address
 * @param {object} body
 */
function post(address, body) {
  return send('POST', address, body)
}

/**
 * @param {string} method
 * @param {string} address
 * @param {object} [body]
 * @param {string} [token]
 */
async function send(method, address, body, token) {
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), ANSWER_WITHIN)
  try {
    return await fetch(address, {
      method,
      headers: {
        ...(body ? { 'Content-Type': 'application/json' } : {}),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
      },
      body: body ? JSON.stringify(body) : undefined,
      signal: patience.signal,
    })
  } catch {
    throw new Problem('page.box-lost')
  } finally {
    clearTimeout(timer)
  }
}

/** @param {Response} response */
async function problem(response) {
  return Problem.from(await response.json().catch(() => null))
}
