import { text } from '../../language/language.js'
import { Problem } from '../../phone/problem.js'
import { element } from '../element.js'
import { field, outcome, section } from '../section.js'

/** @typedef {import('../../phone/phone.js').Phone} Phone */

/**
 * A new password in the place of the present one.
 *
 * @param {Phone} phone
 */
export function passwordPart(phone) {
  const { lines, run } = outcome()
  const present = field('present-password', text('presentPassword'), {
    type: 'password', autocomplete: 'current-password', required: true,
  })
  const fresh = { type: 'password', autocomplete: 'new-password', required: true, minLength: 8 }
  const first = field('own-password', text('newPassword'), { ...fresh, 'aria-describedby': 'own-password-hint' })
  const again = field('own-password-again', text('newPasswordAgain'), fresh)
  const button = element('button', { type: 'submit', className: 'primary' }, text('changePassword'))
  const save = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const form = /** @type {HTMLFormElement} */ (event.currentTarget)
    run(button, async () => {
      if (first.input.value !== again.input.value) {
        again.input.select()
        throw new Problem('page.passwords-differ')
      }
      await phone.changePassword(present.input.value, first.input.value)
      form.reset()
      document.dispatchEvent(new Event('sessions-ended'))
      return text('passwordChanged')
    })
  }
  // Programs that keep passwords want to know whose it is.
  const user = element('input', {
    type: 'text', autocomplete: 'username', value: phone.identity.person?.user ?? '', hidden: true, readOnly: true,
  })
  return section('part-password', text('password'), text('partPasswordHint'),
    element('form', { className: 'card', onsubmit: save }, user, present.row, first.row,
      element('p', { className: 'hint', id: 'own-password-hint' }, text('newPasswordHint')), again.row, ...lines, button))
}
