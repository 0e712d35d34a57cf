import { Problem } from './problem.js'

/** @typedef {import('./sound-options.js').SoundOptions} SoundOptions */
/** @typedef {'dialling' | 'incoming' | 'ringing' | 'early' | 'active' | 'ended'} CallState */

/**
 * One call of this page: its connection to the box, its microphone and what it hears.
 *
 * Always the page offers and the box answers at once, so that sound is ready before anybody says hello.
 * Event: `change`.
 */
export class Call extends EventTarget {
  /** @type {string | null} the box's name for the call */
  identifier = null
  /** @type {CallState} */
  state
  /** @type {number | null} when it was answered, in ms of performance.now() */
  activeSince = null
  /** @type {number | null} seconds that it lasted, once ended */
  lasted = null
  /** @type {Problem | null} why it ended, or what to know meanwhile */
  problem = null
  muted = false
  /** who holds the call: the person here, the other side, both, or nobody */
  held = { here: false, there: false }
  sentDigits = ''
  heardDigits = ''
  remoteStream = new MediaStream()
  peerConnection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })

  /** @type {RTCRtpTransceiver} */
  #transceiver
  /** @type {MediaStream | null} */
  #microphone = null
  #options

  /**
   * @param {'outbound' | 'inbound' | 'summoned'} direction summoned: the box rings this page and calls when it answers
   * @param {string} party the number dialled or calling
   * @param {string} name the caller's name, if the provider sent one
   * @param {SoundOptions} options
   */
  constructor(direction, party, name, options) {
    super()
    this.direction = direction
    this.party = party
    this.name = name
    this.state = direction === 'outbound' ? 'dialling' : 'incoming'
    this.#options = options
    this.#transceiver = this.peerConnection.addTransceiver('audio', { direction: 'sendrecv' })
    this.#limitCodecs()
    this.peerConnection.ontrack = (event) => this.remoteStream.addTrack(event.track)
  }

  /** Asks for the microphone and puts it on the line. */
  async openMicrophone() {
    const on = this.#options.processing
    if (!navigator.mediaDevices) throw new Problem('page.microphone-needs-https')
    try {
      this.#microphone = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: on, noiseSuppression: on, autoGainControl: on },
      })
    } catch (error) {
      const refused = error instanceof DOMException && error.name === 'NotAllowedError'
      throw new Problem(refused ? 'page.microphone-refused' : 'page.microphone-missing')
    }
    const [track] = this.#microphone.getAudioTracks()
    if (this.state === 'ended') {
      track.stop()
      return
    }
    track.enabled = !this.muted
    await this.#transceiver.sender.replaceTrack(track)
  }

  /** @returns {Promise<string>} the SDP offer for the box */
  async offer() {
    await this.peerConnection.setLocalDescription()
    return this.peerConnection.localDescription?.sdp ?? ''
  }

  /** @param {string} sdp the box's answer */
  async accept(sdp) {
    if (this.state === 'ended') return
    await this.peerConnection.setRemoteDescription({ type: 'answer', sdp })
  }

  /** @param {CallState | 'summoning'} state */
  setState(state) {
    if (this.state === 'ended' || this.state === state) return
    if (this.state === 'incoming' && (state === 'ringing' || state === 'summoning')) return
    this.state = state
    if (state === 'active') {
      this.activeSince = performance.now()
      this.problem = null
    }
    this.#changed()
  }

  /** @param {Problem} problem something to know while the call goes on */
  notice(problem) {
    this.problem = problem
    this.#changed()
  }

  /**
   * @param {boolean} here
   * @param {boolean} there
   */
  setHeld(here, there) {
    this.held = { here, there }
    this.#changed()
  }

  /**
   * Sends what the far end speaks, so that the box need not convert. No new negotiation.
   *
   * @param {string} codec `opus`, `pcmu` or `pcma`
   */
  async follow(codec) {
    if (this.#options.codec !== 'auto') return
    const sender = this.#transceiver.sender
    const parameters = sender.getParameters()
    const wanted = parameters.codecs.find((known) => known.mimeType.toLowerCase() === `audio/${codec}`)
    if (!wanted || parameters.encodings.length === 0) return
    const { mimeType, clockRate, channels, sdpFmtpLine } = wanted
    // @ts-ignore newer than the browser's published types
    parameters.encodings[0].codec = { mimeType, clockRate, channels, sdpFmtpLine }
    try {
      await sender.setParameters(parameters)
    } catch {
      // A browser without this goes on with Opus and the box converts.
    }
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted
    for (const track of this.#microphone?.getAudioTracks() ?? []) track.enabled = !muted
    this.#changed()
  }

  /**
   * Presses digits: as telephone-events in the sound stream (RFC 4733).
   *
   * @param {string} digits
   * @returns {boolean} false if the browser cannot, and the box has to be asked
   */
  press(digits) {
    this.sentDigits = (this.sentDigits + digits).slice(-32)
    this.#changed()
    const dtmf = this.#transceiver.sender.dtmf
    if (!dtmf?.canInsertDTMF) return false
    dtmf.insertDTMF(dtmf.toneBuffer + digits, 120, 80)
    return true
  }

  /** @param {string} digit */
  hear(digit) {
    this.heardDigits = (this.heardDigits + digit).slice(-32)
    this.#changed()
  }

  /**
   * @param {Problem} reason
   * @param {Promise<unknown>} [told] when the box knows; only then the sound connection is closed, or its end would
   *   reach the box first and look like a browser that crashed
   */
  end(reason, told = Promise.resolve()) {
    if (this.state === 'ended') return
    this.state = 'ended'
    this.problem = reason
    if (this.activeSince !== null) this.lasted = (performance.now() - this.activeSince) / 1000
    for (const track of this.#microphone?.getTracks() ?? []) track.stop()
    told.finally(() => this.peerConnection.close())
    this.#changed()
  }

  #limitCodecs() {
    const { codec } = this.#options
    if (codec === 'auto') return
    const codecs = RTCRtpReceiver.getCapabilities('audio')?.codecs ?? []
    const kept = codecs.filter(({ mimeType }) =>
      [`audio/${codec}`, 'audio/telephone-event'].includes(mimeType.toLowerCase()))
    this.#transceiver.setCodecPreferences(kept)
  }

  #changed() {
    this.dispatchEvent(new Event('change'))
  }
}
