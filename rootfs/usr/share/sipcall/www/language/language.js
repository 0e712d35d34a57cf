import { german } from './de.js'
import { english } from './en.js'

/** @typedef {keyof typeof english} Key */

const STORED = 'sipcall.language'
const TABLES = { en: english, de: german }

/** @typedef {keyof typeof TABLES} Language */

/** @type {Language} */
let current = preferred()
document.documentElement.lang = current

/** Event `change`: texts are to be shown anew. */
export const language = new (class extends EventTarget {
  /** @returns {Language} */
  get current() {
    return current
  }

  /** @param {Language} chosen */
  choose(chosen) {
    current = chosen
    document.documentElement.lang = chosen
    try {
      localStorage.setItem(STORED, chosen)
    } catch {
      // The choice then lasts as long as the page.
    }
    this.dispatchEvent(new Event('change'))
  }
})()

/**
 * @param {Key} key
 * @param {Record<string, string | number>} [values] for `{name}` in the text
 */
export function text(key, values = {}) {
  const template = /** @type {string} */ (TABLES[current][key] ?? english[key])
  return template.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''))
}

/**
 * A problem in this language: our words for its code, else the box's own sentence.
 *
 * @param {{code: string, sentence?: string, remedy?: string}} problem
 */
export function sentence(problem) {
  const own = /** @type {Record<string, string>} */ (TABLES[current])[problem.code]
  if (own) return own
  return [problem.sentence, problem.remedy].filter(Boolean).join(' ') || problem.code
}

/** @returns {Language} */
function preferred() {
  try {
    const stored = localStorage.getItem(STORED)
    if (stored === 'de' || stored === 'en') return stored
  } catch {
    // Nothing stored.
  }
  return navigator.language.toLowerCase().startsWith('de') ? 'de' : 'en'
}
