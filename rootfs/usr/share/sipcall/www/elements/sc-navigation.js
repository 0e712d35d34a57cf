import { text } from '../language/language.js'
import { element, icon } from './element.js'
import { place, places } from './places.js'

/** @typedef {import('../phone/phone.js').Phone} Phone */

/** The way between the pages: at the side of wide screens, at the foot of narrow ones. */
class NavigationElement extends HTMLElement {
  /** @type {Phone} */
  phone

  connectedCallback() {
    const { person } = this.phone.identity
    const here = place(person)
    const entries = {
      phone: { picture: 'phone', words: text('placePhone') },
      people: { picture: 'people', words: text('placePeople') },
      account: { picture: 'person', words: text('placeAccount') },
    }
    const links = places(person).map((name) =>
      element('li', {},
        element('a', {
          href: `#${name}`, className: 'entry', 'data-testid': `to-${name}`, 'aria-current': name === here ? 'page' : null,
        }, icon(/** @type {any} */ (entries[name].picture)), element('span', {}, entries[name].words))))
    this.append(element('nav', { 'aria-label': text('navigation') }, element('ul', {}, ...links)))
  }
}

customElements.define('sc-navigation', NavigationElement)
