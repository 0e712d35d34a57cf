import { text } from '../language/language.js'
import { element } from './element.js'

/**
 * Asks whom the other side is to talk to: after a word with them first, or at once.
 *
 * @param {{askFirst: (number: string) => void, transfer: (number: string) => void, cancel: () => void}} chosen
 */
export function transferForm(chosen) {
  const number = element('input', {
    type: 'tel', required: true, maxLength: 64, autocomplete: 'off', 'aria-label': text('transferTo'),
    placeholder: text('transferTo'), 'data-testid': 'transfer-number',
  })
  // The Return key takes the first: nobody is lost by a question.
  const ask = element('button', { className: 'primary', value: 'ask', 'data-testid': 'ask-first' }, text('askFirst'))
  const send = element('button', { value: 'send', 'data-testid': 'transfer-send' }, text('transfer'))
  return element(
    'form',
    {
      className: 'transfer',
      hidden: true,
      onsubmit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault()
        const wanted = number.value.trim()
        if (!wanted) return number.focus()
        number.value = ''
        if (event.submitter === send) chosen.transfer(wanted)
        else chosen.askFirst(wanted)
      },
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && chosen.cancel(),
    },
    number,
    element('div', { className: 'choices' }, ask, send),
  )
}
