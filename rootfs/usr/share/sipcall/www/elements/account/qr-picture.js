/**
 * A QR code as a picture, with the quiet zone that cameras need around it; black on white whatever the theme.
 *
 * @param {string[]} rows `1` for a dark module
 * @param {string} name
 */
export function qrPicture(rows, name) {
  const space = 'http://www.w3.org/2000/svg'
  const quiet = 4
  const size = rows.length + 2 * quiet
  const picture = document.createElementNS(space, 'svg')
  picture.setAttribute('viewBox', `0 0 ${size} ${size}`)
  picture.setAttribute('role', 'img')
  picture.setAttribute('aria-label', name)
  picture.setAttribute('shape-rendering', 'crispEdges')
  picture.classList.add('qr')
  const path = document.createElementNS(space, 'path')
  const runs = rows.flatMap((row, y) =>
    [...row.matchAll(/1+/g)].map((run) => `M${(run.index ?? 0) + quiet} ${y + quiet}h${run[0]?.length ?? 0}v1h-${run[0]?.length ?? 0}z`))
  path.setAttribute('d', runs.join(''))
  picture.append(path)
  return picture
}
