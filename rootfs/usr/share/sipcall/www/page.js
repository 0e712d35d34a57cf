// The page's entry: what the URL asks for, and the one element that is the application.
import { Phone } from './phone/phone.js'
import { soundOptions } from './phone/sound-options.js'
import './elements/sc-app.js'

const phone = new Phone(soundOptions(new URL(location.href).searchParams))
const app = /** @type {import('./elements/sc-app.js').AppElement} */ (document.querySelector('sc-app'))
app.phone = phone

/** For a look from the console: the phone, and the last call's connection and sound. */
Object.defineProperty(window, 'sipcall', {
  value: {
    phone,
    get lastCall() {
      return phone.lastCall
        ? { peerConnection: phone.lastCall.peerConnection, remoteStream: phone.lastCall.remoteStream }
        : null
    },
  },
})
