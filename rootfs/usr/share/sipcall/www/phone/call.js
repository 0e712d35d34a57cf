import { Problem } from './problem.js'

/** @typedef {import('./microphone.js').Microphone} Microphone */
/** @typedef {import('./sound-options.js').SoundOptions} SoundOptions */
/** @typedef {'dialling' | 'incoming' | 'ringing' | 'early' | 'active' | 'ended'} CallState */

/** A connection that is cut off for so long, in ms, is made anew. */
const LOST_AFTER = 2000

/**
 * One call of this page: its connection to the box, its microphone and what it hears.
 *
 * Always the page offers and the box answers at once, so that sound is ready before anybody says hello.
 * Events: `change`; `sound-lost`, when the connection is to be made anew.
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
  /** whoever is called is not told who calls */
  hidden = false
  /** @type {'passed' | 'failed' | 'not-done' | ''} what the provider found out about the caller's number */
  verification = ''
  sentDigits = ''
  heardDigits = ''
  remoteStream = new MediaStream()
  peerConnection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
  /** the sound was cut off and is being made anew */
  isSoundLost = false

  /** @type {RTCRtpTransceiver} */
  #transceiver
  /** @type {string} what the far end speaks, once the box has said it */
  #farCodec = ''
  #lossTimer = 0
  /** @type {MediaStreamTrack | null} */
  #track = null
  #microphone
  #options

  /**
   * @param {'outbound' | 'inbound' | 'summoned'} direction summoned: the box rings this page and calls when it answers
   * @param {string} party the number dialled or calling
   * @param {string} name the caller's name, if the provider sent one
   * @param {Microphone} microphone
   * @param {SoundOptions} options
   */
  constructor(direction, party, name, microphone, options) {
    super()
    this.direction = direction
    this.party = party
    this.name = name
    this.state = direction === 'outbound' ? 'dialling' : 'incoming'
    this.#microphone = microphone
    this.#options = options
    this.#transceiver = this.#prepare()
  }

  /**
   * Goes on with a call that this tab had before it was loaded anew.
   *
   * @param {import('./call-news.js').KnownCall} known
   */
  takeBack({ call, state, seconds, hidden, verification }) {
    this.identifier = call
    this.state = state
    this.hidden = hidden
    this.verification = verification ?? ''
    if (seconds !== undefined) this.activeSince = performance.now() - seconds * 1000
  }

  /** Puts a new connection in the place of one that is dead. */
  async connectAgain() {
    this.isSoundLost = true
    for (const track of this.remoteStream.getTracks()) this.remoteStream.removeTrack(track)
    this.peerConnection.onconnectionstatechange = null
    this.peerConnection.close()
    this.peerConnection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
    this.#transceiver = this.#prepare()
    if (this.#track) await this.#transceiver.sender.replaceTrack(this.#track)
    this.#changed()
  }

  /** Whether it goes on, or is about to. */
  get isLive() {
    return this.state !== 'ended'
  }

  /** Whether there is somebody who can wait; a service of the box has nobody. */
  get mayBeHeld() {
    return this.state === 'active' && !this.party.startsWith('*')
  }

  /** Whether the person here is heard, or about to be. */
  get isTalking() {
    return this.isLive && this.state !== 'incoming' && !this.held.here
  }

  /** Asks for the microphone and puts it on the line. */
  async openMicrophone() {
    const track = await this.#microphone.take()
    if (this.state === 'ended') {
      this.#microphone.give(track)
      return
    }
    this.#track = track
    this.#openOrClose()
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
    await this.follow(this.#farCodec)
  }

  /** @param {CallState | 'summoning'} state as the box calls it; while it summons this page, the call is an incoming one here */
  setState(state) {
    if (this.state === 'ended' || this.state === state || state === 'summoning') return
    if (this.state === 'incoming' && state === 'ringing') return
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
    this.#openOrClose()
    this.#changed()
  }

  /**
   * Sends what the far end speaks, so that the box need not convert. No new negotiation.
   *
   * @param {string} codec `opus`, `pcmu` or `pcma`
   */
  async follow(codec) {
    this.#farCodec = codec
    if (!codec || this.#options.codec !== 'auto') return
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
    this.#openOrClose()
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
    this.isSoundLost = false
    clearTimeout(this.#lossTimer)
    if (this.activeSince !== null) this.lasted = (performance.now() - this.activeSince) / 1000
    if (this.#track) this.#microphone.give(this.#track)
    told.finally(() => this.peerConnection.close())
    this.#changed()
  }

  /** Whoever is held is told nothing: the box sees to it, and so does this page. */
  #openOrClose() {
    if (this.#track) this.#track.enabled = !this.muted && !this.held.here
  }

  /** @param {unknown} error why it cannot go on */
  fail(error) {
    this.end(error instanceof Problem ? error : new Problem('page.unknown', String(error)))
  }

  #prepare() {
    const transceiver = this.peerConnection.addTransceiver('audio', { direction: 'sendrecv' })
    this.#limitCodecs(transceiver)
    this.peerConnection.ontrack = (event) => this.remoteStream.addTrack(event.track)
    this.peerConnection.onconnectionstatechange = () => this.#connectionChanged()
    return transceiver
  }

  #connectionChanged() {
    clearTimeout(this.#lossTimer)
    switch (this.peerConnection.connectionState) {
      case 'connected':
        if (!this.isSoundLost) return
        this.isSoundLost = false
        return this.#changed()
      case 'disconnected':
        // A few lost packets mend themselves.
        this.#lossTimer = setTimeout(() => this.#soundLost(), LOST_AFTER)
        return
      case 'failed':
        return this.#soundLost()
    }
  }

  #soundLost() {
    if (!this.isLive || this.state === 'incoming') return
    this.isSoundLost = true
    this.#changed()
    this.dispatchEvent(new Event('sound-lost'))
  }

  /** @param {RTCRtpTransceiver} transceiver */
  #limitCodecs(transceiver) {
    const { codec } = this.#options
    if (codec === 'auto') return
    const codecs = RTCRtpReceiver.getCapabilities('audio')?.codecs ?? []
    const kept = codecs.filter(({ mimeType }) =>
      [`audio/${codec}`, 'audio/telephone-event'].includes(mimeType.toLowerCase()))
    transceiver.setCodecPreferences(kept)
  }

  #changed() {
    this.dispatchEvent(new Event('change'))
  }
}
