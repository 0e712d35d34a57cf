/**
 * Sounds that the page makes itself: what a telephone sounds like while it rings here or there.
 *
 * A pattern is a list of steps: frequencies in Hz and a length in seconds; no frequency is silence.
 *
 * @typedef {{frequencies: number[], seconds: number}} Step
 */

/** @type {Record<string, {steps: Step[], repeat: boolean, level: number}>} */
const PATTERNS = {
  // 425 Hz, 1 s in 5 s: the ringing tone of most of the world (ITU-T E.182).
  ringback: { steps: [{ frequencies: [425], seconds: 1 }, { frequencies: [], seconds: 4 }], repeat: true, level: 0.12 },
  busy: { steps: [{ frequencies: [425], seconds: 0.48 }, { frequencies: [], seconds: 0.48 }], repeat: true, level: 0.12 },
  // The call waiting tone of ITU-T E.180, softly: somebody is being listened to meanwhile.
  waiting: {
    steps: [
      { frequencies: [425], seconds: 0.2 },
      { frequencies: [], seconds: 0.2 },
      { frequencies: [425], seconds: 0.2 },
      { frequencies: [], seconds: 4.4 },
    ],
    repeat: true,
    level: 0.05,
  },
  ring: {
    steps: [
      { frequencies: [523, 659], seconds: 0.4 },
      { frequencies: [], seconds: 0.2 },
      { frequencies: [523, 659], seconds: 0.4 },
      { frequencies: [], seconds: 2 },
    ],
    repeat: true,
    level: 0.25,
  },
}

const LONGEST = { ringback: 65, busy: 4, waiting: 65, ring: 65 }

/** Plays one pattern at a time. */
export class Tones {
  /** @type {AudioContext | null} */
  #context = null
  /** @type {{name: string, nodes: AudioScheduledSourceNode[], gain: GainNode} | null} */
  #playing = null

  /** @param {keyof typeof PATTERNS | null} name what should sound now; null for silence */
  play(name) {
    if (this.#playing?.name === name) return
    this.#stop()
    if (name === null) return
    const context = (this.#context ??= new AudioContext())
    // Without a click on the page yet, a browser keeps quiet; the call is shown all the same.
    context.resume().catch(() => {})
    const { steps, level } = PATTERNS[name]
    const gain = new GainNode(context, { gain: 0 })
    gain.connect(context.destination)
    const frequencies = [...new Set(steps.flatMap((step) => step.frequencies))]
    const nodes = frequencies.map((frequency) => {
      const oscillator = new OscillatorNode(context, { frequency })
      oscillator.connect(gain)
      return oscillator
    })
    const begin = context.currentTime + 0.05
    const period = steps.reduce((sum, step) => sum + step.seconds, 0)
    const longest = LONGEST[/** @type {keyof typeof LONGEST} */ (name)]
    for (let time = 0; time < longest; ) {
      for (const { frequencies: sounding, seconds } of steps) {
        gain.gain.setTargetAtTime(sounding.length ? level / sounding.length : 0, begin + time, 0.005)
        time += seconds
      }
      if (period === 0) break
    }
    for (const node of nodes) {
      node.start(begin)
      node.stop(begin + longest)
    }
    this.#playing = { name, nodes, gain }
  }

  #stop() {
    if (!this.#playing) return
    const { nodes, gain } = this.#playing
    for (const node of nodes) node.stop()
    gain.disconnect()
    this.#playing = null
  }
}
