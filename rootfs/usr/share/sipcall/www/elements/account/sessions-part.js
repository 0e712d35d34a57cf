import { language, text } from '../../language/language.js'
import { showProblem } from '../dialog.js'
import { element } from '../element.js'
import { outcome, section, when } from '../section.js'

/** @typedef {import('../../phone/phone.js').Phone} Phone */
/** @typedef {{id: string, device: string, source: string, began: string, seen: string, current: boolean}} Listed */

/**
 * Where somebody is signed in, and an end to it.
 *
 * @param {Phone} phone
 */
export function sessionsPart(phone) {
  const { lines, run } = outcome()
  const list = element('ul', { className: 'rows', 'data-testid': 'sessions' })
  const all = element('button', { type: 'button', 'data-testid': 'end-others', hidden: true }, text('endOthers'))
  /** @type {Listed[]} */
  let sessions = []
  const load = async () => {
    sessions = await phone.ask('GET', 'sessions')
    all.hidden = sessions.length < 3
    list.replaceChildren(...sessions.map(row))
  }
  /** @param {Listed} session */
  const row = (session) => {
    const name = browser(session.device)
    const end = element('button', { type: 'button', 'aria-label': text('endSessionOf', { name }) }, text('endSession'))
    end.addEventListener('click', () => run(end, async () => {
      await phone.ask('DELETE', `sessions/${session.id}`)
      await load()
      return text('sessionEnded')
    }))
    return element('li', { className: 'row' },
      element('div', { className: 'row-words' },
        element('strong', {}, name),
        element('span', { className: 'hint' }, session.current
          ? text('sessionHere') : text('sessionSeen', { time: when(session.seen, language.current), source: session.source }))),
      session.current ? element('span', { className: 'badge' }, text('current')) : end)
  }
  all.addEventListener('click', () => run(all, async () => {
    for (const session of sessions) {
      if (!session.current) await phone.ask('DELETE', `sessions/${session.id}`)
    }
    await load()
    return text('sessionsEnded')
  }))
  const part = section('part-sessions', text('partSessions'), text('partSessionsHint'), list, all, ...lines)
  const again = () => {
    load().catch((error) => showProblem(lines[0], error))
  }
  const renewed = () => {
    if (part.isConnected) again()
    else document.removeEventListener('sessions-ended', renewed)
  }
  document.addEventListener('sessions-ended', renewed)
  again()
  return part
}

/**
 * A browser and its system in words, from what it calls itself.
 *
 * @param {string} agent
 */
function browser(agent) {
  const names = [['Firefox', /Firefox\//], ['Edge', /Edg\//], ['Opera', /OPR\//], ['Chrome', /Chrom(e|ium)\//], ['Safari', /Safari\//]]
  const systems = [['Android', /Android/], ['iOS', /iPhone|iPad/], ['Windows', /Windows/], ['macOS', /Mac OS X/], ['Linux', /Linux|X11/]]
  const found = (/** @type {any[][]} */ known) => known.find(([, pattern]) => pattern.test(agent))?.[0]
  return [found(names), found(systems)].filter(Boolean).join(', ') || agent.slice(0, 60) || text('unknownDevice')
}
