import { useState } from 'preact/hooks'
import type { Destination, FunctionRow } from '../../client/resources.ts'
import { call } from '../api.ts'
import { Action, Field } from '../parts/basics.tsx'

const mib = 1024 * 1024

/** Limits, workers and environment. */
export function FunctionSettings({ fn, onSaved }: { fn: FunctionRow; onSaved(): void }) {
  const [fields, setFields] = useState<Record<string, string>>({
    description: fn.description ?? '',
    entry: fn.entry ?? '',
    memory: String(Math.round(fn.memory_size / mib)),
    tmp: fn.tmp_size === null ? '' : String(Math.round(fn.tmp_size / mib)),
    writable: fn.writable.join('\n'),
    timeout: String(fn.timeout),
    concurrency: String(fn.concurrency),
    min_workers: String(fn.min_workers),
    max_workers: fn.max_workers === null ? '' : String(fn.max_workers),
    idle_timeout: fn.idle_timeout === null ? '' : String(fn.idle_timeout),
    max_running: fn.max_running === null ? '' : String(fn.max_running),
    max_rate: fn.max_rate === null ? '' : String(fn.max_rate),
    record: fn.record,
    retries: fn.retries === null ? '' : JSON.stringify(fn.retries),
    on_success: placeOf(fn.on_success),
    on_failure: placeOf(fn.on_failure),
    network: fn.network,
    api: String(fn.api),
    env: Object.entries(fn.env)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n'),
  })
  const input = (name: string, label: string, hint?: string, kind: 'text' | 'numeric' = 'numeric') => (
    <Field label={label} hint={hint}>
      <input
        inputMode={kind}
        value={fields[name]}
        onInput={(event) => setFields({ ...fields, [name]: event.currentTarget.value })}
      />
    </Field>
  )
  const orNull = (text = '', unit = 1) => (text === '' ? null : Number(text) * unit)
  const isImage = fn.code.source === 'image'
  const save = async () => {
    await call('PUT', `/v1/functions/${fn.id}?keep_jobs=true`, {
      description: fields.description,
      // The memory of an image is refused even when it stays as it is.
      ...(isImage ? { writable: linesOf(fields.writable) } : { memory_size: Number(fields.memory) * mib }),
      ...(!isImage && fields.entry && { entry: fields.entry }),
      tmp_size: orNull(fields.tmp, mib),
      timeout: Number(fields.timeout),
      concurrency: Number(fields.concurrency),
      min_workers: Number(fields.min_workers),
      max_workers: orNull(fields.max_workers),
      idle_timeout: orNull(fields.idle_timeout),
      max_running: orNull(fields.max_running),
      max_rate: orNull(fields.max_rate),
      record: fields.record,
      retries: retriesOf(fields.retries),
      on_success: destinationOf(fields.on_success),
      on_failure: destinationOf(fields.on_failure),
      network: fields.network,
      api: fields.api === 'true',
      env: environmentOf(fields.env ?? ''),
    })
    onSaved()
  }
  return (
    <form class="form two" onSubmit={(event) => event.preventDefault()}>
      {input('description', 'Description', undefined, 'text')}
      {!isImage && input('entry', 'Entry', 'module.callable', 'text')}
      {!isImage && input('memory', 'Memory (MiB)')}
      {input('tmp', 'Size of /tmp (MiB)', 'it lies in the memory; empty: as the operator says')}
      {input('timeout', 'Timeout (seconds)')}
      {input('concurrency', 'Calls at once in one worker')}
      {input('min_workers', 'Workers that are always warm')}
      {input('max_workers', 'Most workers', 'empty: as many as memory allows')}
      {input('idle_timeout', 'Seconds before an idle worker goes', 'empty: when its memory is needed')}
      {input('max_running', 'Most calls at once', 'in all its workers; empty: no limit')}
      {input('max_rate', 'Most calls a second', 'empty: no limit')}
      <Field label="Recorded of its executions">
        <select value={fields.record} onChange={(event) => setFields({ ...fields, record: event.currentTarget.value })}>
          <option value="full">full: all</option>
          <option value="summary">summary: of successful ones no input, output and log</option>
          <option value="failures">failures: successful ones not at all</option>
          <option value="none">none</option>
        </select>
      </Field>
      {input(
        'retries',
        'Tries of accepted runs',
        'such as {"max_attempts": 3, "on": ["failed"]}; empty: as the server does',
        'text',
      )}
      {input('on_success', 'Results of accepted runs go to', 'a function or a URL; empty: nowhere', 'text')}
      {input('on_failure', 'Failed accepted runs go to', 'those not tried again; a function or a URL', 'text')}
      <Field label="Network">
        <select
          value={fields.network}
          onChange={(event) => setFields({ ...fields, network: event.currentTarget.value })}
        >
          <option value="egress">egress: it may reach others</option>
          <option value="none">none</option>
        </select>
      </Field>
      <Field label="The API of this server">
        <select value={fields.api} onChange={(event) => setFields({ ...fields, api: event.currentTarget.value })}>
          <option value="false">not for it</option>
          <option value="true">it may call other functions</option>
        </select>
      </Field>
      <Field label="Environment" hint="NAME=value, one a line">
        <textarea
          rows={4}
          spellcheck={false}
          value={fields.env}
          onInput={(event) => setFields({ ...fields, env: event.currentTarget.value })}
        />
      </Field>
      {isImage && (
        <Field label="Folders that it writes to" hint="whole paths, one a line; everything else but /tmp is read-only">
          <textarea
            rows={2}
            spellcheck={false}
            value={fields.writable}
            onInput={(event) => setFields({ ...fields, writable: event.currentTarget.value })}
          />
        </Field>
      )}
      <div class="actions">
        <Action label="Save" kind="primary" act={save} />
      </div>
    </form>
  )
}

const placeOf = (to: Destination | null): string => (to === null ? '' : 'url' in to ? to.url : to.function)

const destinationOf = (place = ''): Destination | null =>
  place === '' ? null : /^https?:/.test(place) ? { url: place } : { function: place }

function retriesOf(text = ''): unknown {
  if (text.trim() === '') return null
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('Tries of accepted runs are JSON, such as {"max_attempts": 3, "on": ["failed"]}.')
  }
}

const linesOf = (text = ''): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

function environmentOf(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=')
      if (at < 1) throw new Error(`"${line}" is not a variable: write NAME=value.`)
      return [line.slice(0, at).trim(), line.slice(at + 1)]
    }),
  )
}
