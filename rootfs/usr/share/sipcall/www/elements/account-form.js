import { sentence } from '../language/language.js'
import { Problem } from '../phone/problem.js'
import { element } from './element.js'

/**
 * A card with a few fields and one button: what is wrong is said below them, and announced.
 *
 * @param {{title: string, button: string, busy: string, send: () => Promise<void>}} what `send` rejects with a Problem
 * @param {(Node | string)[]} fields
 */
export function form({ title, button: label, busy, send }, fields) {
  const button = element('button', { type: 'submit', className: 'primary wide' }, label)
  const problem = element('p', {
    className: 'problem', id: 'form-problem', role: 'alert', 'data-testid': 'problem', hidden: true,
  })
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    button.disabled = true
    button.textContent = busy
    problem.hidden = true
    try {
      await send()
    } catch (error) {
      const reason = error instanceof Problem ? error : new Problem('page.unknown')
      problem.dataset.code = reason.code
      problem.textContent = sentence(reason)
      problem.hidden = false
    }
    button.disabled = false
    button.textContent = label
  }
  return element(
    'form', { className: 'card sign-in', onsubmit: submit }, element('h1', {}, title), ...fields, problem, button)
}
