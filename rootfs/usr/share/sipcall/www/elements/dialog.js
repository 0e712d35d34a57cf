import { sentence, text } from '../language/language.js'
import { Problem } from '../phone/problem.js'
import { element } from './element.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */

let count = 0

/**
 * A question over the page. It goes away by Escape, and when somebody calls: the call is more urgent.
 *
 * @param {Phone} phone
 * @param {{title: string, button: string, isDangerous?: boolean, send: () => Promise<void>}} what `send` rejects with a Problem
 * @param {(Node | string)[]} content
 * @returns {Promise<boolean>} whether `send` was done
 */
export function ask(phone, { title, button: label, isDangerous, send }, content) {
  const id = `dialog-${(count += 1)}`
  const problem = element('p', { className: 'problem', role: 'alert', hidden: true, 'data-testid': 'dialog-problem' })
  const button = element('button', {
    type: 'submit', className: isDangerous ? 'error' : 'primary', 'data-testid': 'dialog-do',
  }, label)
  const dialog = element('dialog', { className: 'question-dialog', 'aria-labelledby': id })
  const before = /** @type {HTMLElement | null} */ (document.activeElement)
  return new Promise((resolve) => {
    let isDone = false
    const submit = async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault()
      button.disabled = true
      problem.hidden = true
      try {
        await send()
        isDone = true
        dialog.close()
      } catch (error) {
        showProblem(problem, error)
      }
      button.disabled = false
    }
    const giveWay = () => {
      if (phone.calls.live.some((call) => call.state === 'incoming')) dialog.close()
    }
    phone.addEventListener('change', giveWay)
    dialog.addEventListener('close', () => {
      phone.removeEventListener('change', giveWay)
      dialog.remove()
      before?.focus()
      resolve(isDone)
    })
    dialog.append(
      element('form', { className: 'card', onsubmit: submit },
        element('h2', { id }, title), ...content, problem,
        element('div', { className: 'choices' },
          element('button', { type: 'button', 'data-testid': 'dialog-cancel', onclick: () => dialog.close() }, text('cancel')),
          button)))
    document.body.append(dialog)
    dialog.showModal()
    dialog.querySelector('input')?.focus()
  })
}

/**
 * @param {HTMLElement} place
 * @param {unknown} error
 */
export function showProblem(place, error) {
  const reason = error instanceof Problem ? error : new Problem('page.unknown')
  place.dataset.code = reason.code
  place.textContent = sentence(reason)
  place.hidden = false
}

/**
 * Does what may need a password that was just given, and asks for it where it does.
 *
 * @template Answer
 * @param {Phone} phone
 * @param {() => Promise<Answer>} action
 * @returns {Promise<Answer | undefined>} undefined when the password was not given
 */
export async function proved(phone, action) {
  try {
    return await action()
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'session.not-fresh') throw error
  }
  return (await askForPassword(phone)) ? await action() : undefined
}

/** @param {Phone} phone */
function askForPassword(phone) {
  const password = element('input', {
    type: 'password', name: 'proof', id: 'proof', autocomplete: 'current-password', required: true,
  })
  const code = element('input', {
    type: 'text', name: 'proof-code', id: 'proof-code', autocomplete: 'one-time-code', autocapitalize: 'none',
    spellcheck: false,
  })
  const second = element('div', { className: 'field', hidden: true }, element('label', { for: 'proof-code' }, text('code')), code)
  const send = async () => {
    try {
      await phone.ask('POST', 'session/proof', { password: password.value, code: code.value.trim() || undefined })
    } catch (error) {
      if (error instanceof Problem && error.code === 'web.code-needed') {
        second.hidden = false
        code.required = true
        code.focus()
      } else {
        password.select()
      }
      throw error
    }
  }
  return ask(phone, { title: text('proofTitle'), button: text('proofButton'), send }, [
    element('p', { className: 'hint' }, text('proofHint')),
    element('label', { for: 'proof' }, text('password')),
    password,
    second,
  ])
}
