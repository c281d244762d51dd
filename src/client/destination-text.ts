import type { Destination } from './resources/functions.ts'

/** Destinations as people write them: a function's name, a URL, or `zaqar://QUEUE?ttl=SECONDS`. */

const queueScheme = 'zaqar://'

export function destinationFrom(text: string): Destination {
  if (!text.startsWith(queueScheme)) return /^https?:/.test(text) ? { url: text } : { function: text }
  const [queue = '', ttl] = text.slice(queueScheme.length).split('?ttl=')
  return ttl === undefined ? { queue } : { queue, ttl: Number(ttl) }
}

export function textOfDestination(to: Destination): string {
  if ('queue' in to) return `${queueScheme}${to.queue}${to.ttl === undefined ? '' : `?ttl=${to.ttl}`}`
  return 'url' in to ? to.url : to.function
}

/** For reading, where a name alone could be anything. */
export const destinationToRead = (to: Destination): string =>
  'function' in to ? `function ${to.function}` : textOfDestination(to)
