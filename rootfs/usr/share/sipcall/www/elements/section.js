import { showProblem } from './dialog.js'
import { element } from './element.js'

/**
 * A part of a page with a title, a sentence on what it is for, and a place for what goes wrong.
 *
 * @param {string} id
 * @param {string} title
 * @param {string} hint
 * @param {...(Node | string)} children
 */
export function section(id, title, hint, ...children) {
  return element(
    'section', { className: 'part', id, 'aria-labelledby': `${id}-title`, 'data-testid': id },
    element('h2', { id: `${id}-title` }, title),
    ...(hint ? [element('p', { className: 'hint' }, hint)] : []),
    ...children,
  )
}

/**
 * A line that says what became of an action: what went wrong is read out at once, what went well when there is time.
 */
export function outcome() {
  const problem = element('p', { className: 'problem', role: 'alert', hidden: true, 'data-testid': 'problem' })
  const done = element('p', { className: 'done', role: 'status', 'data-testid': 'done' })
  /**
   * @param {HTMLButtonElement | null} button
   * @param {() => Promise<string | void>} action its words are shown when it has been done
   */
  const run = async (button, action) => {
    problem.hidden = true
    done.textContent = ''
    if (button) button.disabled = true
    try {
      done.textContent = (await action()) ?? ''
    } catch (error) {
      showProblem(problem, error)
    }
    if (button) button.disabled = false
  }
  return { lines: [problem, done], run }
}

/**
 * A field with its label above it.
 *
 * @param {string} id
 * @param {string} label
 * @param {Record<string, any>} properties
 */
export function field(id, label, properties) {
  const input = element('input', { id, name: id, ...properties })
  return { input, row: element('div', { className: 'field' }, element('label', { for: id }, label), input) }
}

/**
 * A text to be taken along: to be read, selected or copied.
 *
 * @param {string} label
 * @param {string} value
 * @param {string} copy the button's words
 * @param {string} copied its words once that is done
 */
export function takeAlong(label, value, copy, copied) {
  const input = element('input', {
    type: 'text', readOnly: true, value, 'aria-label': label, 'data-testid': 'secret', className: 'secret',
    onfocus: () => input.select(),
  })
  const button = element('button', { type: 'button', 'data-testid': 'copy' }, copy)
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(value)
      button.textContent = copied
    } catch {
      // Without https browsers lend no clipboard: it is selected instead.
      input.select()
    }
  })
  return element('div', { className: 'take-along' }, input, button)
}

/**
 * @param {string} moment RFC 3339
 * @param {string} language
 */
export function when(moment, language) {
  return new Date(moment).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' })
}
