import { text } from '../../language/language.js'
import { ask, proved } from '../dialog.js'
import { element } from '../element.js'
import { field, outcome, section, takeAlong } from '../section.js'
import { qrPicture } from './qr-picture.js'

/** @typedef {import('../../phone/phone.js').Phone} Phone */
/** @typedef {import('../sc-account.js').Account} Account */

/**
 * One-time passwords: set up with an app, with codes for the day the telephone is lost, and switched off.
 *
 * @param {Phone} phone
 * @param {Account} account
 */
export function factorPart(phone, account) {
  const { lines, run } = outcome()
  const body = element('div', { className: 'card' })
  const part = section('part-factor', text('partFactor'), text('partFactorHint'), body, ...lines)
  /** Whoever works with the keyboard goes on in the new step. */
  const show = (/** @type {HTMLElement[]} */ ...content) => {
    body.replaceChildren(...content)
    body.querySelector(/** @type {any} */ ('input, button'))?.focus()
  }
  const isOff = () => {
    const button = element('button', { type: 'button', className: 'primary', 'data-testid': 'factor-begin' }, text('factorBegin'))
    button.addEventListener('click', () => run(button, async () => {
      const begun = await proved(phone, () => phone.ask('POST', 'account/second-factor'))
      if (begun) show(...setUp(begun))
    }))
    return [element('p', {}, text('factorOff')), button]
  }
  /** @param {{secret: string, address: string, qr: string[]}} begun */
  const setUp = (begun) => {
    const code = field('factor-code', text('factorCode'), {
      type: 'text', inputMode: 'numeric', autocomplete: 'one-time-code', required: true, maxLength: 10,
    })
    const button = element('button', { type: 'submit', className: 'primary', 'data-testid': 'factor-confirm' }, text('factorConfirm'))
    const confirm = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault()
      run(button, async () => {
        const answer = await proved(phone, () => phone.ask('PUT', 'account/second-factor', { code: code.input.value }))
        if (answer) show(...codes(answer.recoveryCodes))
      })
    }
    const cancel = element('button', { type: 'button', onclick: () => show(...isOff()) }, text('cancel'))
    return [
      element('p', {}, text('factorScan')),
      element('div', { className: 'qr-frame' }, qrPicture(begun.qr, text('factorPicture'))),
      element('p', { className: 'hint' }, text('factorType')),
      element('p', { className: 'typed', 'data-testid': 'factor-secret' }, begun.secret),
      element('form', { className: 'card', onsubmit: confirm }, code.row, element('div', { className: 'choices' }, cancel, button)),
    ]
  }
  /** @param {string[]} list */
  const codes = (list) => {
    const done = element('button', { type: 'button', className: 'primary', 'data-testid': 'codes-kept' }, text('codesKept'))
    done.addEventListener('click', () => show(...isOn(list.length)))
    return [
      element('p', {}, text('codesHint')),
      element('ul', { className: 'codes', 'data-testid': 'codes', 'aria-label': text('codesTitle') }, ...list.map((code) => element('li', {}, code))),
      takeAlong(text('codesTitle'), list.join(' '), text('copy'), text('copied')),
      done,
    ]
  }
  /** @param {number} left */
  const isOn = (left) => {
    const anew = element('button', { type: 'button', 'data-testid': 'codes-renew' }, text('codesRenew'))
    anew.addEventListener('click', () => run(anew, async () => {
      const answer = await proved(phone, () => phone.ask('POST', 'account/recovery-codes'))
      if (answer) show(...codes(answer.recoveryCodes))
    }))
    const off = element('button', { type: 'button', 'data-testid': 'factor-end' }, text('factorEnd'))
    off.addEventListener('click', () => run(off, async () => {
      const sure = { title: text('factorEnd'), button: text('factorEnd'), isDangerous: true, send: async () => {} }
      if (!(await ask(phone, sure, [element('p', {}, text('factorEndQuestion'))]))) return
      const answer = await proved(phone, () => phone.ask('DELETE', 'account/second-factor'))
      if (answer !== undefined) show(...isOff())
    }))
    return [element('p', {}, text('factorOn', { count: left })), element('div', { className: 'choices' }, anew, off)]
  }
  body.append(...(account.secondFactor ? isOn(account.recoveryCodes) : isOff()))
  return part
}
