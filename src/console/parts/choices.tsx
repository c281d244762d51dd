import { useState } from 'preact/hooks'
import { useSoon } from '../load.ts'
import { query, setQuery } from '../router.tsx'
import { Field } from './basics.tsx'

export type Choice = readonly [value: string, shown: string]

export const plain = (...values: string[]): Choice[] => values.map((value) => [value, value])

/** A filter that is part of the URL, so that the view can be linked. */
export function FilterChoice({ name, label, values }: { name: string; label: string; values: readonly Choice[] }) {
  return (
    <Field label={label}>
      <select value={query.value.get(name) ?? ''} onChange={(event) => setQuery(name, event.currentTarget.value)}>
        <option value="">all</option>
        {values.map(([value, shown]) => (
          <option key={value} value={value}>
            {shown}
          </option>
        ))}
      </select>
    </Field>
  )
}

/** A search text, applied a moment after typing. */
export function FilterText({ name, label }: { name: string; label: string }) {
  const [text, setText] = useState(query.value.get(name) ?? '')
  const tell = useSoon(400, () => setQuery(name, text))
  return (
    <Field label={label}>
      <input
        type="search"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value)
          tell()
        }}
      />
    </Field>
  )
}

/** A local day and time, stored in the URL as UTC. */
export function FilterTime({ name, label }: { name: string; label: string }) {
  const kept = query.value.get(name)
  return (
    <Field label={label}>
      <input
        type="datetime-local"
        value={kept === null ? '' : localTime(new Date(kept))}
        onChange={(event) => {
          const { value } = event.currentTarget
          setQuery(name, value === '' ? '' : new Date(value).toISOString())
        }}
      />
    </Field>
  )
}

/** The format of the browser's input field. */
export function localTime(at: Date): string {
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000)
  return shifted.toISOString().slice(0, 16)
}

/** Converts the URL's filters to those of a list of runs. */
export function runFilters(names: readonly string[]): URLSearchParams {
  const asked = new URLSearchParams()
  for (const name of names) if (query.value.has(name)) asked.set(name, query.value.get(name) as string)
  if (query.value.has('since')) asked.append('created_at', `gte:${query.value.get('since')}`)
  if (query.value.has('until')) asked.append('created_at', `lt:${query.value.get('until')}`)
  if (query.value.has('text')) asked.set('error', `has:${query.value.get('text')}`)
  return asked
}
