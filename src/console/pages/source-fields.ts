import type { TargetFields } from '../../client/resources/row.ts'
import type { SourceFields } from '../../client/resources/sources.ts'
import { numberIn } from '../number-text.ts'

/** Converts the form of a new source. */

export const noSource = {
  target: '',
  container: '',
  prefix: '',
  name: '',
  events: 'created,changed',
  interval: '',
  existing: 'false',
}

/** Throws an Error with a sentence. */
export function sourceFields(texts: typeof noSource, target: TargetFields): SourceFields {
  const { container, prefix, name } = texts
  const events = texts.events.split(',').filter((event) => event !== '')
  if (container === '') throw new Error('Enter the container in Swift whose objects are watched.')
  if (events.length === 0) throw new Error('Choose at least one kind of change.')
  const interval = numberIn(texts.interval, 'Interval (seconds)')
  return {
    ...target,
    type: 'swift',
    container,
    events,
    existing: texts.existing === 'true',
    ...(prefix !== '' && { prefix }),
    ...(name !== '' && { name }),
    ...(interval !== undefined && { interval }),
  }
}
