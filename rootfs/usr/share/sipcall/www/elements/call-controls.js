import { text } from '../language/language.js'
import { element, icon } from './element.js'

/** @typedef {import('../phone/call-desk.js').CallDesk} CallDesk */
/** @typedef {import('../phone/call.js').Call} Call */

/**
 * The large buttons for the call in front, as its state asks for them.
 *
 * @param {CallDesk} desk
 * @param {Call} call
 * @param {{dismiss: () => void, toggleKeypad: () => void, toggleTransfer: () => void}} more
 * @returns {{plain: HTMLElement[], last: HTMLElement[], first: string}} in a row, below it, and which has the focus first
 */
export function callControls(desk, call, more) {
  if (call.state === 'incoming') {
    return {
      plain: [],
      last: [
        control('decline', 'hangUp', text('decline'), 'error', () => desk.hangUp(call)),
        control('answer', 'phone', text('answer'), 'success', () => desk.answer(call)),
      ],
      first: 'answer',
    }
  }
  if (call.state === 'ended') {
    const close = element(
      'button', { type: 'button', className: 'primary', 'data-testid': 'close', onclick: more.dismiss }, text('close'))
    const again = control('redial', 'phone', text('dialAgain'), 'success', () => desk.dial(call.party))
    return { plain: [], last: [close, ...(call.direction === 'inbound' ? [] : [again])], first: 'close' }
  }
  const plain = [
    control('mute', 'microphone', text('mute'), 'plain', () => call.mute(!call.muted)),
    control('keypad', 'keypad', text('keypad'), 'plain', more.toggleKeypad),
  ]
  if (call.mayBeHeld) plain.push(control('hold', 'pause', text('hold'), 'plain', () => desk.hold(!call.held.here)))
  if (desk.mayTransfer) plain.push(control('transfer', 'transfer', text('transfer'), 'plain', more.toggleTransfer))
  return {
    plain, last: [control('hangup', 'hangUp', text('hangUp'), 'error', () => desk.hangUp(call))], first: 'hangup',
  }
}

/**
 * @param {string} testID
 * @param {Parameters<typeof icon>[0]} picture
 * @param {string} name
 * @param {string} kind
 * @param {() => void} pressed
 */
function control(testID, picture, name, kind, pressed) {
  const button = element(
    'button',
    { type: 'button', className: `control ${kind}`, 'data-testid': testID, 'aria-label': name, onclick: pressed },
    icon(picture),
  )
  return element('div', { className: 'labelled' }, button, element('span', { 'aria-hidden': 'true' }, name))
}
