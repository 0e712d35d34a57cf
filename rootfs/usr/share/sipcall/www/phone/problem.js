/**
 * What went wrong, as the box and the page both say it.
 *
 * The page shows its own words for a code that it knows (language/), and the box's sentence for one that it does not.
 */
export class Problem extends Error {
  /**
   * @param {string} code stable and dotted, for instance `call.busy`
   * @param {string} [sentence]
   * @param {string} [remedy]
   */
  constructor(code, sentence = '', remedy = '') {
    super(sentence || code)
    this.code = code
    this.sentence = sentence
    this.remedy = remedy
  }

  /** @param {{code?: string, sentence?: string, remedy?: string} | null | undefined} data */
  static from(data) {
    return new Problem(data?.code ?? 'page.unknown', data?.sentence ?? '', data?.remedy ?? '')
  }
}
