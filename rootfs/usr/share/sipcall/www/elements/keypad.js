import { element } from './element.js'

/** Digits with the letters that stand beside them on every telephone (ITU-T E.161). */
const KEYS = [
  ['1', ''], ['2', 'ABC'], ['3', 'DEF'], ['4', 'GHI'], ['5', 'JKL'], ['6', 'MNO'],
  ['7', 'PQRS'], ['8', 'TUV'], ['9', 'WXYZ'], ['*', ''], ['0', '+'], ['#', ''],
]

/**
 * @param {(digit: string) => void} pressed
 * @param {boolean} [holdZeroForPlus]
 */
export function keypad(pressed, holdZeroForPlus = false) {
  return element(
    'div',
    { className: 'keypad' },
    ...KEYS.map(([digit, letters]) => {
      const key = element(
        'button',
        { type: 'button', className: 'key', 'data-key': digit, 'aria-label': digit, onclick: () => pressed(digit) },
        element('span', { className: 'digit', 'aria-hidden': 'true' }, digit),
        element('span', { className: 'letters', 'aria-hidden': 'true' }, letters),
      )
      if (digit === '0' && holdZeroForPlus) holdForPlus(key, pressed)
      return key
    }),
  )
}

/**
 * A long press on 0 dials +, as on a mobile telephone.
 *
 * @param {HTMLButtonElement} key
 * @param {(digit: string) => void} pressed
 */
function holdForPlus(key, pressed) {
  let timer = 0
  let held = false
  key.addEventListener('pointerdown', () => {
    held = false
    timer = setTimeout(() => {
      held = true
      pressed('+')
    }, 500)
  })
  for (const name of ['pointerup', 'pointerleave', 'pointercancel']) {
    key.addEventListener(name, () => clearTimeout(timer))
  }
  key.addEventListener('click', (event) => held && event.stopImmediatePropagation(), { capture: true })
}
