import type { Destination } from './resources/functions.ts'

/** Destinations as people write them: a function's name, a URL, or `zaqar://QUEUE?ttl=SECONDS`. */

const queueScheme = 'zaqar://'
const scheme = /^([a-z][a-z0-9+.-]*):\/\//i

/** Throws an Error whose message is for people. */
export function destinationFrom(text: string): Destination {
  const [, found] = scheme.exec(text) ?? []
  if (found === undefined) return { function: text }
  if (/^https?$/i.test(found)) return { url: text }
  if (found.toLowerCase() === 'zaqar') return queueFrom(text)
  throw new Error(
    `${JSON.stringify(text)} is not a destination: write the name of a function, a URL of http or https, or zaqar://QUEUE?ttl=SECONDS.`,
  )
}

/** What is not understood is refused, not left out. */
function queueFrom(text: string): Destination {
  const [queue = '', options = ''] = text.slice(queueScheme.length).split(/\?(.*)/s)
  const given = [...new URLSearchParams(options)]
  const other = given.find(([name]) => name !== 'ttl')
  if (other !== undefined || given.length > 1) {
    throw new Error(
      `${JSON.stringify(text)} is not a destination: a queue takes one parameter after the "?", which is "ttl".`,
    )
  }
  const [[, ttl] = []] = given
  if (ttl === undefined) return { queue }
  if (!/^\d{1,9}$/.test(ttl)) {
    throw new Error(
      `${JSON.stringify(text)} is not a destination: "ttl" is a whole number of seconds, such as ?ttl=3600.`,
    )
  }
  return { queue, ttl: Number(ttl) }
}

export function textOfDestination(to: Destination): string {
  if ('queue' in to) return `${queueScheme}${to.queue}${to.ttl === undefined ? '' : `?ttl=${to.ttl}`}`
  return 'url' in to ? to.url : to.function
}

/** For reading, where a name alone could be anything. */
export const destinationToRead = (to: Destination): string =>
  'function' in to ? `function ${to.function}` : textOfDestination(to)
