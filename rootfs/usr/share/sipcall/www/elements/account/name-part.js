import { language, text } from '../../language/language.js'
import { element } from '../element.js'
import { field, outcome, section } from '../section.js'

/** @typedef {import('../../phone/phone.js').Phone} Phone */
/** @typedef {import('../sc-account.js').Account} Account */

/**
 * Name and language.
 *
 * @param {Phone} phone
 * @param {Account} account
 */
export function namePart(phone, account) {
  const { lines, run } = outcome()
  const name = field('display-name', text('displayName'), {
    type: 'text', autocomplete: 'name', required: true, maxLength: 100, value: account.name,
  })
  const button = element('button', { type: 'submit', className: 'primary' }, text('save'))
  const save = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    run(button, async () => {
      const changed = await phone.ask('PATCH', 'account', { name: name.input.value.trim(), language: language.current })
      phone.identity.describe(changed.name, changed.language)
      name.input.value = changed.name
      return text('saved')
    })
  }
  return section('part-name', text('partName'), text('partNameHint', { user: account.user, role: text(roleKey(account.role)) }),
    element('form', { className: 'card', onsubmit: save }, name.row, ...lines, button))
}

/**
 * @param {string} role
 * @returns {'roleOwner' | 'roleAdmin' | 'roleUser' | 'roleAuditor'}
 */
export function roleKey(role) {
  if (role === 'owner') return 'roleOwner'
  if (role === 'admin') return 'roleAdmin'
  return role === 'auditor' ? 'roleAuditor' : 'roleUser'
}
