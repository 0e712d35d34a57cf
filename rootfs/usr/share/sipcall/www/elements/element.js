/**
 * Makes one DOM element. Texts go in as text, never as HTML, so there is nothing to sanitise.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [properties] `on…` listeners, `data-…`/`aria-…`/`role`/`for` attributes, else properties
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value)
    else if (name.includes('-') || name === 'role' || name === 'for') made.setAttribute(name, String(value))
    else Object.assign(made, { [name]: value })
  }
  for (const child of children) {
    if (child !== null) made.append(child)
  }
  return made
}

/** Material Design icons, as Nextcloud uses them; 24 × 24. */
const PATHS = {
  phone: 'M6.62 10.79c1.44 2.83 3.76 5.15 6.59 6.59l2.2-2.2c.28-.28.67-.36 1.02-.25 1.12.37 2.32.57 3.57.57a1 1 0 0 1 1 1V20a1 1 0 0 1-1 1A17 17 0 0 1 3 4a1 1 0 0 1 1-1h3.5a1 1 0 0 1 1 1c0 1.25.2 2.45.57 3.57.11.35.03.74-.25 1.02z',
  hangUp: 'M12 9c-1.6 0-3.15.25-4.6.72v3.1c0 .39-.23.74-.56.9-.98.49-1.87 1.12-2.66 1.85-.18.18-.43.28-.7.28-.28 0-.53-.11-.71-.29L.29 13.08a1 1 0 0 1 0-1.42C3.34 8.78 7.46 7 12 7s8.66 1.78 11.71 4.66c.18.18.29.43.29.71 0 .28-.11.53-.29.71l-2.48 2.48c-.18.18-.43.29-.71.29-.27 0-.52-.11-.7-.28a11.3 11.3 0 0 0-2.67-1.85.996.996 0 0 1-.56-.9v-3.1A15.7 15.7 0 0 0 12 9',
  microphone: 'M12 2a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V5a3 3 0 0 1 3-3m7 9c0 3.53-2.61 6.44-6 6.93V21h-2v-3.07c-3.39-.49-6-3.4-6-6.93h2a5 5 0 0 0 10 0z',
  microphoneOff: 'M19 11c0 1.19-.34 2.3-.9 3.28l-1.23-1.23c.27-.62.43-1.31.43-2.05zm-4 .16L9 5.18V5a3 3 0 0 1 6 0zM4.27 3 21 19.73 19.73 21l-4.19-4.19c-.77.46-1.63.77-2.54.91V21h-2v-3.28c-3.28-.48-6-3.3-6-6.72h1.7c0 3 2.54 5.1 5.3 5.1.81 0 1.6-.19 2.31-.52l-1.66-1.66L12 14a3 3 0 0 1-3-3v-.72L3 4.27z',
  transfer: 'M16 17v-3H9v-4h7V7l5 5zM14 2a2 2 0 0 1 2 2v2h-2V4H5v16h9v-2h2v2a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2z',
  pause: 'M14 19h4V5h-4M6 19h4V5H6z',
  keypad: 'M12 19a2 2 0 1 0 0 4 2 2 0 0 0 0-4M6 1a2 2 0 1 0 0 4 2 2 0 0 0 0-4m0 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4m0 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4m12-8a2 2 0 1 0 0-4 2 2 0 0 0 0 4m-6 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4m6 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4m0-6a2 2 0 1 0 0 4 2 2 0 0 0 0-4m-6 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4m0-6a2 2 0 1 0 0 4 2 2 0 0 0 0-4',
  erase: 'M22 3H7c-.69 0-1.23.35-1.59.88L0 12l5.41 8.11c.36.53.9.89 1.59.89h15a2 2 0 0 0 2-2V5a2 2 0 0 0-2-2m-3 12.59L17.59 17 14 13.41 10.41 17 9 15.59 12.59 12 9 8.41 10.41 7 14 10.59 17.59 7 19 8.41 15.41 12z',
  person: 'M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8m0 10c4.42 0 8 1.79 8 4v2H4v-2c0-2.21 3.58-4 8-4',
  people: 'M16 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6m-8 0a3 3 0 1 0 0-6 3 3 0 0 0 0 6m0 2c-2.33 0-7 1.17-7 3.5V19h14v-2.5C15 14.170 10.330 13 8 13m8 0c-.29 0-.62.02-.97.050C16.190 13.890 17 15.020 17 16.500V19h6v-2.500C23 14.170 18.330 13 16 13',
  swap: 'M21 9l-4-4v3h-7v2h7v3zM7 11l-4 4 4 4v-3h7v-2H7z',
  together: 'M17 20.410 18.410 19 15 15.590 13.590 17zM7.500 8H11v5.590L5.590 19 7 20.410l6-6V8h3.500L12 3.500z',
  cross: 'M19 6.410 17.590 5 12 10.590 6.410 5 5 6.410 10.590 12 5 17.590 6.410 19 12 13.410 17.590 19 19 17.590 13.410 12z',
  settings: 'M12 15.5a3.5 3.500 0 1 1 0-7 3.5 3.500 0 0 1 0 7m7.430-2.530c.040-.320.070-.640.070-.970s-.030-.660-.070-1l2.110-1.630c.190-.150.240-.420.120-.640l-2-3.460c-.120-.220-.390-.310-.610-.220l-2.490 1c-.520-.390-1.060-.730-1.690-.980l-.370-2.650A.506.506 0 0 0 14 2h-4c-.250 0-.460.180-.500.420l-.370 2.650c-.630.250-1.170.590-1.690.980l-2.490-1c-.220-.090-.490 0-.610.220l-2 3.460c-.130.220-.070.490.120.640L4.570 11c-.040.340-.070.670-.070 1s.030.650.070.970l-2.110 1.660c-.190.150-.250.420-.120.640l2 3.460c.120.220.390.300.610.220l2.490-1.010c.520.400 1.060.740 1.690.990l.370 2.650c.040.240.250.420.500.420h4c.250 0 .460-.180.500-.420l.370-2.650c.630-.260 1.170-.590 1.690-.990l2.490 1.010c.220.080.490 0 .610-.220l2-3.460c.120-.220.070-.490-.120-.640z',
}

/**
 * A picture that says nothing by itself: the control that holds it has its name in words.
 *
 * @param {keyof typeof PATHS} name
 */
export function icon(name) {
  const space = 'http://www.w3.org/2000/svg'
  const picture = document.createElementNS(space, 'svg')
  picture.setAttribute('viewBox', '0 0 24 24')
  picture.setAttribute('aria-hidden', 'true')
  picture.classList.add('icon')
  const path = document.createElementNS(space, 'path')
  path.setAttribute('d', PATHS[name])
  picture.append(path)
  return picture
}
