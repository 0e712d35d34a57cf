// The page's entry: what the URL asks for, and the one element that is the application.
import { Phone } from './phone/phone.js'
import { soundOptions } from './phone/sound-options.js'
import './elements/sc-app.js'

const phone = new Phone(soundOptions(new URL(location.href).searchParams))
const app = /** @type {import('./elements/sc-app.js').AppElement} */ (document.querySelector('sc-app'))
app.phone = phone
phone.begin(link())

// A call needs its page: whoever leaves by mistake is asked first.
addEventListener('beforeunload', (event) => {
  if (phone.calls.live.length > 0) event.preventDefault()
})

/**
 * What a link brings along: a password (`#sign-in=…`), an invitation (`#invitation=…`) or a new box's token (`#setup=…`), taken out
 * of the address bar and the history at once.
 *
 * @returns {{password?: string, invitation?: string, setup?: string}}
 */
function link() {
  const [, kind, encoded] = /^#(sign-in|invitation|setup)=(.+)$/.exec(location.hash) ?? []
  if (!encoded) return {}
  history.replaceState(null, '', location.pathname + location.search)
  try {
    const value = decodeURIComponent(encoded)
    if (kind === 'setup') return { setup: value }
    return kind === 'sign-in' ? { password: value } : { invitation: value }
  } catch {
    return {}
  }
}

/** For a look from the console: the phone, and the last call's connection and sound. */
Object.defineProperty(window, 'sipcall', {
  value: {
    phone,
    get lastCall() {
      const { last } = phone.calls
      return last ? { peerConnection: last.peerConnection, remoteStream: last.remoteStream } : null
    },
  },
})
