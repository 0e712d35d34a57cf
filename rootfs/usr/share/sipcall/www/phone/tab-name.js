/** Where the name is kept while this tab lives, over reloads as well. */
const KEY = 'sipcall.phone'
const MUTED = 'sipcall.muted'
/** How long the document before this one may take to let go of its name, in ms. */
const FREED_WITHIN = 800

/**
 * What this tab is called towards the box: a secret, with which it takes its calls back after a lost socket or a reload.
 *
 * A tab that is duplicated has the same storage: only one of the two may bear the name, so whoever does holds a lock.
 */
export class TabName {
  value = ''
  #free = () => {}

  /** Finds the name again that this tab had before it was loaded anew; none where another tab has it. */
  async recall() {
    const kept = stored(KEY)
    if (kept && (await this.#hold(kept))) this.value = kept
    return this.value
  }

  /** @param {string} name as the box gave it */
  keep(name) {
    if (name === this.value) return
    this.#free()
    this.value = name
    store(KEY, name)
    if (name) this.#hold(name)
  }

  /**
   * Whoever was mute must not be heard because of a reload.
   *
   * @param {string[]} calls those that are mute
   */
  keepMuted(calls) {
    store(MUTED, calls.join(' '))
  }

  /** @param {string} call */
  wasMuted(call) {
    return stored(MUTED).split(' ').includes(call)
  }

  /**
   * @param {string} name
   * @returns {Promise<boolean>}
   */
  #hold(name) {
    if (!navigator.locks) return Promise.resolve(false)
    const patience = new AbortController()
    setTimeout(() => patience.abort(), FREED_WITHIN)
    return new Promise((resolve) => {
      navigator.locks.request(`sipcall.phone.${name}`, { signal: patience.signal }, () => {
        resolve(true)
        return new Promise((free) => {
          this.#free = () => free(undefined)
        })
      }).catch(() => resolve(false))
    })
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function store(key, value) {
  try {
    if (value) sessionStorage.setItem(key, value)
    else sessionStorage.removeItem(key)
  } catch {
    // A browser that keeps nothing: a reload loses the call.
  }
}

/** @param {string} key */
function stored(key) {
  try {
    return sessionStorage.getItem(key) ?? ''
  } catch {
    return ''
  }
}
