import { useEffect, useState } from 'preact/hooks'
import type { JobRow, PatternPreview } from '../../client/resources/jobs.ts'
import { call, get } from '../api.ts'
import { Action } from '../parts/basics.tsx'
import { localTime } from '../parts/choices.tsx'
import { useForm } from '../parts/form.tsx'
import { minute } from '../text.ts'
import { jobChange, newJobFields, textsOfJob } from './job-fields.ts'
import { type TargetRows, targetChoices, targetFields } from './target-choice.ts'

const afterTypingMs = 300

/** Creates or changes a job. A repeated job stays repeated, and one that runs once stays single. */
export function JobForm({ targets, job, onDone }: { targets: TargetRows; job?: JobRow; onDone(): void }) {
  const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const [before] = useState(() => textsOfJob(job, ownZone, localTime))
  const form = useForm(before)
  const { texts } = form
  const isOnce = texts.when === 'once'
  const save = async () => {
    if (job === undefined) await call('POST', '/v1/jobs', newJobFields(texts, targetFields(texts.target, targets)))
    else await call('PUT', `/v1/jobs/${encodeURIComponent(job.id)}`, jobChange(texts, before))
    onDone()
  }
  return (
    <form class="form two" onSubmit={(event) => event.preventDefault()}>
      {job === undefined && form.choice('target', 'Function', targetChoices(targets))}
      {form.input('name', 'Name')}
      {job === undefined &&
        form.choice('when', 'Runs', [
          ['pattern', 'repeatedly'],
          ['once', 'once'],
        ])}
      {isOnce && form.input('at', 'Time', { isTime: true, hint: `in ${ownZone}; at least a minute from now` })}
      {!isOnce && form.input('pattern', 'Pattern', { hint: 'minute hour day month weekday, or @hourly' })}
      {!isOnce && form.input('timezone', 'Time zone')}
      {form.input('function_input', 'Input', { hint: 'empty: none' })}
      {!isOnce && job === undefined && form.input('count', 'Number of runs', { hint: 'empty: unlimited' })}
      {!isOnce &&
        form.choice('overlap', 'Overlapping runs', [
          ['allow', 'run both'],
          ['skip', 'skip the new one'],
          ['queue', 'queue the new one'],
        ])}
      {form.choice('missed', isOnce ? 'If it is missed' : 'Missed runs', [
        ['once', isOnce ? 'run later' : 'run once'],
        ...(isOnce ? [] : [['all', 'run each'] as const]),
        ['skip', 'skip'],
      ])}
      {!isOnce && texts.pattern !== '' && <InWords pattern={texts.pattern} timezone={texts.timezone} />}
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
        : `It runs ${preview.words}: next ${preview.next_runs.slice(0, 3).map(minute).join('; ') || 'never'}.`}
    </p>
  )
}
