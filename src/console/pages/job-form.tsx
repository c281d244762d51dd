import { useEffect, useState } from 'preact/hooks'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { JobRow, PatternPreview } from '../../client/resources/jobs.ts'
import { call, get } from '../api.ts'
import { Action } from '../parts/basics.tsx'
import { useForm } from '../parts/form.tsx'
import { time } from '../text.ts'

const afterTypingMs = 300

/** Creates or changes a job. */
export function JobForm({ functions, job, onDone }: { functions: FunctionRow[]; job?: JobRow; onDone(): void }) {
  const form = useForm({
    function_id: '',
    name: job?.name ?? '',
    pattern: job === undefined ? '0 9 * * mon-fri' : (job.pattern ?? ''),
    timezone: job?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    function_input: job?.function_input ?? '',
    count: '',
    overlap: job?.overlap ?? 'allow',
    missed: job?.missed ?? 'once',
  })
  const { function_id, pattern, function_input, name, count, ...rules } = form.texts
  const given = {
    ...rules,
    ...(pattern !== '' && { pattern }),
    ...(name !== '' && { name }),
    ...(function_input !== '' && { function_input }),
  }
  const save = async () => {
    if (job !== undefined) await call('PUT', `/v1/jobs/${encodeURIComponent(job.id)}`, given)
    else {
      const functionId = function_id || functions[0]?.id
      if (functionId === undefined) throw new Error('Create a function first: a job runs one.')
      const counted = count === '' ? {} : { count: Number(count) }
      await call('POST', '/v1/jobs', { ...given, ...counted, function_id: functionId })
    }
    onDone()
  }
  return (
    <form class="form two" onSubmit={(event) => event.preventDefault()}>
      {job === undefined &&
        form.choice(
          'function_id',
          'Function',
          functions.map(({ id, name: own }) => [id, own ?? id]),
        )}
      {form.input('name', 'Name')}
      {job?.pattern !== null && form.input('pattern', 'Pattern', { hint: 'minute hour day month weekday, or @hourly' })}
      {form.input('timezone', 'Time zone')}
      {form.input('function_input', 'Input')}
      {job === undefined && form.input('count', 'Runs', { hint: 'empty: unlimited' })}
      {form.choice('overlap', 'Overlapping runs', [
        ['allow', 'run both'],
        ['skip', 'skip the new one'],
        ['queue', 'queue the new one'],
      ])}
      {form.choice('missed', 'Missed runs', [
        ['once', 'run once'],
        ['all', 'run each'],
        ['skip', 'skip'],
      ])}
      {pattern !== '' && <InWords pattern={pattern} timezone={rules.timezone} />}
      <div class="actions">
        <Action label={job === undefined ? 'Create job' : 'Save'} kind="primary" act={save} />
      </div>
    </form>
  )
}

/** Describes the pattern while it is typed. */
function InWords({ pattern, timezone }: { pattern: string; timezone: string }) {
  const [preview, setPreview] = useState<PatternPreview | string>('')
  useEffect(() => {
    let isLatest = true
    const timer = setTimeout(() => {
      const asked = new URLSearchParams({ pattern, timezone })
      get<PatternPreview>(`/v1/jobs/preview?${asked}`).then(
        (answer) => isLatest && setPreview(answer),
        (error: Error) => isLatest && setPreview(error.message),
      )
    }, afterTypingMs)
    return () => {
      isLatest = false
      clearTimeout(timer)
    }
  }, [pattern, timezone])
  return (
    <p class={typeof preview === 'string' ? 'whole bad' : 'whole'} aria-live="polite">
      {typeof preview === 'string'
        ? preview
        : `It runs ${preview.words}: next ${preview.next_runs.slice(0, 3).map(time).join(', ') || 'never'}.`}
    </p>
  )
}
