/**
 * How a call's sound is made, remembered on this device.
 *
 * @typedef {object} SoundOptions
 * @property {'auto' | 'opus' | 'pcmu'} codec `auto` speaks what the far end speaks, so that the box need not convert
 * @property {boolean} processing echo cancellation, noise suppression and automatic gain
 */

const STORED = 'sipcall.codec'

/**
 * @param {URLSearchParams} parameters `codec=opus|pcmu` and `dsp=off` overrule what is remembered
 * @returns {SoundOptions}
 */
export function soundOptions(parameters) {
  const asked = parameters.get('codec') ?? remembered()
  return {
    codec: asked === 'opus' || asked === 'pcmu' ? asked : 'auto',
    processing: parameters.get('dsp') !== 'off',
  }
}

/** @param {SoundOptions['codec']} codec */
export function rememberCodec(codec) {
  try {
    localStorage.setItem(STORED, codec)
  } catch {
    // A browser that keeps nothing still makes calls.
  }
}

function remembered() {
  try {
    return localStorage.getItem(STORED)
  } catch {
    return null
  }
}
