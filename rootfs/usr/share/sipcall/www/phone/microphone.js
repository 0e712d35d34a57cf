import { Problem } from './problem.js'

/** @typedef {import('./sound-options.js').SoundOptions} SoundOptions */

/**
 * The microphone, asked for once however many calls there are: each has a track of its own, so that one can be mute while
 * another is not.
 */
export class Microphone {
  /** @type {Set<MediaStreamTrack>} those that calls have */
  #taken = new Set()
  #options

  /** @param {SoundOptions} options */
  constructor(options) {
    this.#options = options
  }

  /**
   * @returns {Promise<MediaStreamTrack>} to be given back
   * @throws {Problem}
   */
  async take() {
    const live = [...this.#taken].find((track) => track.readyState === 'live')
    const track = live ? live.clone() : await this.#open()
    this.#taken.add(track)
    return track
  }

  /** @param {MediaStreamTrack} track the last one turns the microphone off */
  give(track) {
    track.stop()
    this.#taken.delete(track)
  }

  async #open() {
    const on = this.#options.processing
    if (!navigator.mediaDevices) throw new Problem('page.microphone-needs-https')
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: on, noiseSuppression: on, autoGainControl: on },
      })
      return stream.getAudioTracks()[0]
    } catch (error) {
      const refused = error instanceof DOMException && error.name === 'NotAllowedError'
      throw new Problem(refused ? 'page.microphone-refused' : 'page.microphone-missing')
    }
  }
}
