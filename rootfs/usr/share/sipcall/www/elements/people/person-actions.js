import { text } from '../../language/language.js'
import { ask, proved } from '../dialog.js'
import { element } from '../element.js'
import { roleChoice, rolesToGive } from './invite-form.js'

/** @typedef {import('../../phone/phone.js').Phone} Phone */
/** @typedef {import('../sc-people.js').Listed} Listed */

/**
 * What can be done about somebody else: another role, a new link, suspending, and removing.
 *
 * @param {{phone: Phone, person: Listed, outcome: ReturnType<typeof import('../section.js').outcome>, load: () => Promise<void>,
 *   made: (listed: Listed) => Promise<void>}} what
 */
export function personActions({ phone, person, outcome, load, made }) {
  const name = person.name || person.user
  const address = `users/${person.user}`
  const menu = element('details', { className: 'actions' })
  const action = (/** @type {string} */ id, /** @type {string} */ words, /** @type {() => Promise<string | void>} */ run) => {
    const button = element('button', { type: 'button', 'data-testid': `${id}-${person.user}` }, words)
    button.addEventListener('click', () => outcome.run(button, run))
    return button
  }
  const changeRole = async () => {
    const { select, row } = roleChoice(phone, 'person-role', person.role)
    const send = async () => {
      await proved(phone, () => phone.ask('PATCH', address, { role: select.value }))
    }
    if (await ask(phone, { title: text('roleOf', { name }), button: text('save'), send }, [row])) await load()
  }
  const invite = async () => {
    const listed = await proved(phone, () => phone.ask('POST', `${address}/invitation`))
    if (listed) await made(listed)
  }
  const suspend = async () => {
    const isSuspended = person.state === 'suspended'
    if (!isSuspended) {
      const what = { title: text('suspendOf', { name }), button: text('suspend'), isDangerous: true, send: async () => {} }
      if (!(await ask(phone, what, [element('p', {}, text('suspendQuestion'))]))) return
    }
    const send = () => phone.ask('PATCH', address, { suspended: !isSuspended })
    if ((await proved(phone, send)) === undefined) return
    await load()
    return text(isSuspended ? 'admittedAgain' : 'suspended', { name })
  }
  const endFactor = async () => {
    const what = { title: text('factorEndOf', { name }), button: text('factorEnd'), isDangerous: true, send: async () => {} }
    if (!(await ask(phone, what, [element('p', {}, text('factorEndOfQuestion'))]))) return
    if ((await proved(phone, () => phone.ask('DELETE', `${address}/second-factor`))) !== undefined) await load()
  }
  const remove = async () => {
    const what = { title: text('removeOf', { name }), button: text('remove'), isDangerous: true, send: async () => {} }
    if (!(await ask(phone, what, [element('p', {}, text('removeQuestion'))]))) return
    if ((await proved(phone, () => phone.ask('DELETE', address))) === undefined) return
    await load()
    return text('removed', { name })
  }
  menu.append(
    element('summary', { 'aria-label': text('actionsFor', { name }), 'data-testid': `actions-${person.user}` }, text('actions')),
    element('div', { className: 'choices' },
      ...(rolesToGive(phone).includes(person.role) ? [action('role', text('changeRole'), changeRole)] : []),
      ...(person.state === 'suspended' ? [] : [action('link', text(person.state === 'invited' ? 'inviteAgain' : 'newPasswordLink'), invite)]),
      ...(person.secondFactor ? [action('factor', text('factorEnd'), endFactor)] : []),
      action('suspend', text(person.state === 'suspended' ? 'admitAgain' : 'suspend'), suspend),
      action('remove', text('remove'), remove)),
  )
  return menu
}
