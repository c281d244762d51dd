import type { JobChange, JobFields, JobRow } from '../../client/resources/jobs.ts'
import type { TargetFields } from '../../client/resources/row.ts'
import { numberIn } from '../number-text.ts'

/** Converts a job to form texts, and back. */

export type JobTexts = Record<
  'target' | 'name' | 'when' | 'pattern' | 'at' | 'timezone' | 'function_input' | 'count' | 'overlap' | 'missed',
  string
>

/** `localTime`: a time as the browser's field has it. */
export function textsOfJob(job: JobRow | undefined, timezone: string, localTime: (at: Date) => string): JobTexts {
  const next = job?.next_execution_time
  return {
    target: '',
    name: job?.name ?? '',
    when: job?.pattern === null ? 'once' : 'pattern',
    pattern: job === undefined ? '0 9 * * mon-fri' : (job.pattern ?? ''),
    at: job?.pattern === null && next ? localTime(new Date(next)) : '',
    timezone: job?.timezone ?? timezone,
    function_input: job?.function_input ?? '',
    count: '',
    overlap: job?.overlap ?? 'allow',
    missed: job?.missed ?? 'once',
  }
}

/** Throws an Error with a sentence. */
export function newJobFields(texts: JobTexts, target: TargetFields): JobFields {
  const { name, function_input } = texts
  const given = { ...target, ...(name !== '' && { name }), ...(function_input !== '' && { function_input }) }
  const missed = texts.missed as JobRow['missed']
  if (texts.when === 'once') return { ...given, missed, first_execution_time: timeIn(texts.at) }
  const count = numberIn(texts.count, 'Number of runs')
  return { ...given, ...repetition(texts), missed, ...(count !== undefined && { count }) }
}

/** Only what was changed of the input and the time; an empty input removes it. Throws an Error with a sentence. */
export function jobChange(texts: JobTexts, before: JobTexts): JobChange {
  const { name, function_input } = texts
  return {
    ...(name !== '' && { name }),
    ...(function_input !== before.function_input && { function_input }),
    missed: texts.missed as JobRow['missed'],
    ...(texts.when === 'pattern' && repetition(texts)),
    ...(texts.when === 'once' && texts.at !== before.at && { next_execution_time: timeIn(texts.at) }),
  }
}

const repetition = ({ pattern, timezone, overlap }: JobTexts) => ({
  pattern,
  timezone,
  overlap: overlap as JobRow['overlap'],
})

/** In the time zone of the browser. */
function timeIn(text: string): string {
  const at = new Date(text)
  if (Number.isNaN(at.getTime())) throw new Error('Choose the time of the run: at least a minute from now.')
  return at.toISOString()
}
