import { language, text } from '../../language/language.js'
import { ask, proved, showProblem } from '../dialog.js'
import { element } from '../element.js'
import { field, outcome, section, takeAlong, when } from '../section.js'

/** @typedef {import('../../phone/phone.js').Phone} Phone */
/** @typedef {{id: string, name: string, scopes: string[], created: string, ends?: string, token?: string}} Token */

/**
 * What programs sign in with.
 *
 * @param {Phone} phone
 */
export function tokensPart(phone) {
  const { lines, run } = outcome()
  const list = element('ul', { className: 'rows', 'data-testid': 'tokens' })
  const made = element('div', { className: 'card', hidden: true, 'data-testid': 'token-made' })
  const scopes = [
    { name: 'status', words: text('scopeStatus') }, { name: 'history', words: text('scopeHistory') },
    { name: 'calls', words: text('scopeCalls') },
    ...(phone.identity.person?.role === 'user' ? [] : [{ name: 'admin', words: text('scopeAdmin') }]),
  ]
  const load = async () => {
    const tokens = /** @type {Token[]} */ (await phone.ask('GET', 'account/tokens'))
    list.replaceChildren(...tokens.map(row))
    list.hidden = tokens.length === 0
  }
  /** @param {Token} token */
  const row = (token) => {
    const isOver = token.ends !== undefined && new Date(token.ends) < new Date()
    const until = token.ends ? text(isOver ? 'tokenOver' : 'tokenUntil', { time: when(token.ends, language.current) }) : text('tokenForever')
    const words = token.scopes.map((scope) => scopes.find(({ name }) => name === scope)?.words ?? scope)
    const end = element('button', { type: 'button', 'aria-label': text('withdrawTokenOf', { name: token.name }) }, text('withdrawToken'))
    end.addEventListener('click', () => run(end, async () => {
      const send = async () => {
        await phone.ask('DELETE', `account/tokens/${token.id}`)
      }
      const what = { title: text('withdrawTokenOf', { name: token.name }), button: text('withdrawToken'), isDangerous: true, send }
      if (await ask(phone, what, [element('p', {}, text('withdrawTokenQuestion'))])) await load()
    }))
    return element('li', { className: 'row' },
      element('div', { className: 'row-words' }, element('strong', {}, token.name),
        element('span', { className: 'hint' }, `${words.join(', ')} · ${until}`)), end)
  }
  const name = field('token-name', text('tokenName'), { type: 'text', required: true, maxLength: 64, autocomplete: 'off' })
  const boxes = scopes.map(({ name: value, words }) => {
    const box = element('input', { type: 'checkbox', name: 'scope', value, checked: value === 'status' })
    return { box, label: element('label', { className: 'choice' }, box, words) }
  })
  const days = element('select', { id: 'token-days', 'data-testid': 'token-days' },
    element('option', { value: '30' }, text('days', { count: 30 })), element('option', { value: '365' }, text('days', { count: 365 })),
    element('option', { value: '' }, text('tokenForever')))
  const button = element('button', { type: 'submit', className: 'primary', 'data-testid': 'token-add' }, text('tokenAdd'))
  const add = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const form = /** @type {HTMLFormElement} */ (event.currentTarget)
    const chosen = boxes.filter(({ box }) => box.checked)
    boxes[0]?.box.setCustomValidity(chosen.length === 0 ? text('tokenNeedsScope') : '')
    if (!form.reportValidity()) return
    run(button, async () => {
      const body = { name: name.input.value.trim(), scopes: chosen.map(({ box }) => box.value), days: days.value ? Number(days.value) : undefined }
      const token = /** @type {Token | undefined} */ (await proved(phone, () => phone.ask('POST', 'account/tokens', body)))
      if (!token?.token) return
      made.replaceChildren(element('p', {}, text('tokenOnce', { name: token.name })), takeAlong(token.name, token.token, text('copy'), text('copied')))
      made.hidden = false
      made.querySelector('input')?.focus()
      form.reset()
      await load()
    })
  }
  for (const { box } of boxes) box.addEventListener('change', () => boxes[0]?.box.setCustomValidity(''))
  load().catch((error) => showProblem(lines[0], error))
  return section('part-tokens', text('partTokens'), text('partTokensHint'), list, made,
    element('form', { className: 'card', noValidate: true, onsubmit: add }, name.row,
      element('fieldset', {}, element('legend', {}, text('scopes')), ...boxes.map(({ label }) => label)),
      element('div', { className: 'field' }, element('label', { for: 'token-days' }, text('tokenLasts')), days), ...lines, button))
}
