// The page's entry: what the URL asks for, and the one element that is the application.
import { Phone } from './phone/phone.js'
import { soundOptions } from './phone/sound-options.js'
import './elements/sc-app.js'

const phone = new Phone(soundOptions(new URL(location.href).searchParams))
const app = /** @type {import('./elements/sc-app.js').AppElement} */ (document.querySelector('sc-app'))
app.phone = phone
phone.begin(signInLink())

// A call needs its page: whoever leaves by mistake is asked first.
addEventListener('beforeunload', (event) => {
  if (phone.calls.live.length > 0) event.preventDefault()
})

/**
 * The password of a sign-in link (`#sign-in=…`), taken out of the address bar and the history at once.
 *
 * @returns {string} empty without one
 */
function signInLink() {
  const prefix = '#sign-in='
  if (!location.hash.startsWith(prefix)) return ''
  const encoded = location.hash.slice(prefix.length)
  history.replaceState(null, '', location.pathname + location.search)
  try {
    return decodeURIComponent(encoded)
  } catch {
    return ''
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
