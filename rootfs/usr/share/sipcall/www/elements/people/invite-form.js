import { text } from '../../language/language.js'
import { roleKey } from '../account/name-part.js'
import { proved } from '../dialog.js'
import { element } from '../element.js'
import { field, outcome, section, takeAlong } from '../section.js'

/** @typedef {import('../../phone/phone.js').Phone} Phone */
/** @typedef {import('../sc-people.js').Listed} Listed */

/**
 * Which roles somebody may give.
 *
 * @param {Phone} phone
 */
export function rolesToGive(phone) {
  const roles = ['user', 'auditor', 'admin']
  return phone.identity.person?.role === 'owner' ? [...roles, 'owner'] : roles
}

/**
 * A choice of roles, with what each may do.
 *
 * @param {Phone} phone
 * @param {string} id
 * @param {string} chosen
 */
export function roleChoice(phone, id, chosen) {
  const select = element('select', { id, name: id, 'data-testid': id },
    ...rolesToGive(phone).map((role) => element('option', { value: role }, text(roleKey(role)))))
  select.value = chosen
  const hint = element('p', { className: 'hint', id: `${id}-hint` })
  const says = { user: text('roleUserHint'), auditor: text('roleAuditorHint'), admin: text('roleAdminHint'), owner: text('roleOwnerHint') }
  const show = () => {
    hint.textContent = says[/** @type {keyof typeof says} */ (select.value)] ?? ''
  }
  select.setAttribute('aria-describedby', hint.id)
  select.addEventListener('change', show)
  show()
  return { select, row: element('div', { className: 'field' }, element('label', { for: id }, text('role')), select, hint) }
}

/**
 * Makes an account and a link for its owner.
 *
 * @param {Phone} phone
 * @param {(made: Listed) => Promise<void>} made
 */
export function inviteForm(phone, made) {
  const { lines, run } = outcome()
  const name = field('invite-name', text('displayName'), { type: 'text', required: true, maxLength: 100, autocomplete: 'off' })
  const user = field('invite-user', text('user'), {
    type: 'text', required: true, maxLength: 64, autocomplete: 'off', autocapitalize: 'none', spellcheck: false,
    pattern: '[a-zA-Z0-9][a-zA-Z0-9._\\-]*', 'aria-describedby': 'invite-user-hint',
  })
  let isTyped = false
  user.input.addEventListener('input', () => {
    isTyped = user.input.value !== ''
  })
  name.input.addEventListener('input', () => {
    if (!isTyped) user.input.value = userName(name.input.value)
  })
  const role = roleChoice(phone, 'invite-role', 'user')
  const button = element('button', { type: 'submit', className: 'primary', 'data-testid': 'invite' }, text('invite'))
  const send = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const form = /** @type {HTMLFormElement} */ (event.currentTarget)
    run(button, async () => {
      const body = { user: user.input.value.trim(), name: name.input.value.trim(), role: role.select.value }
      const added = await proved(phone, () => phone.ask('POST', 'users', body))
      if (!added) return
      form.reset()
      isTyped = false
      role.select.dispatchEvent(new Event('change'))
      await made(added)
    })
  }
  return section('part-invite', text('inviteTitle'), text('inviteHint'),
    element('form', { className: 'card', onsubmit: send }, name.row, user.row,
      element('p', { className: 'hint', id: 'invite-user-hint' }, text('inviteUserHint')), role.row, ...lines, button))
}

/**
 * A name as the box takes it, from a name as people write it.
 *
 * @param {string} name
 */
function userName(name) {
  return name.toLowerCase().replaceAll('ß', 'ss').replaceAll('ä', 'ae').replaceAll('ö', 'oe').replaceAll('ü', 'ue')
    .normalize('NFD').replace(/[^a-z0-9 ._-]/g, '').trim().replace(/[ .]+/g, '.').replace(/^[._-]+/, '').slice(0, 64)
}

/**
 * A link to be handed over, shown once.
 *
 * @param {Listed} made
 */
export function linkCard(made) {
  const link = `${location.origin}${location.pathname}#invitation=${encodeURIComponent(made.invitation ?? '')}`
  return [
    element('h2', {}, text('linkTitle', { name: made.name || made.user })),
    element('p', { className: 'hint' }, text('linkHint')),
    takeAlong(text('linkTitle', { name: made.name || made.user }), link, text('copy'), text('copied')),
  ]
}
