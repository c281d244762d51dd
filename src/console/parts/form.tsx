import { useState } from 'preact/hooks'
import { Field } from './basics.tsx'
import type { Choice } from './choices.tsx'

interface How {
  hint?: string
  placeholder?: string
  isSecret?: boolean
}

/** The texts of a form by name, and its fields. */
export function useForm<Texts extends Record<string, string>>(first: Texts) {
  type Name = keyof Texts & string
  const [texts, setTexts] = useState(first)
  const set = (name: Name, value: string) => setTexts((known) => ({ ...known, [name]: value }))
  const input = (name: Name, label: string, { hint, placeholder, isSecret }: How = {}) => (
    <Field label={label} hint={hint}>
      <input
        type={(isSecret ? 'password' : 'text') as 'text'}
        autocomplete="off"
        placeholder={placeholder}
        value={texts[name]}
        onInput={(event) => set(name, event.currentTarget.value)}
      />
    </Field>
  )
  const choice = (name: Name, label: string, choices: readonly Choice[], hint?: string) => (
    <Field label={label} hint={hint}>
      <select value={known(texts[name], choices)} onChange={(event) => set(name, event.currentTarget.value)}>
        {choices.map(([value, shown]) => (
          <option key={value} value={value}>
            {shown}
          </option>
        ))}
      </select>
    </Field>
  )
  const area = (name: Name, label: string, { hint, placeholder }: How = {}) => (
    <Field label={label} hint={hint}>
      <textarea
        rows={3}
        spellcheck={false}
        placeholder={placeholder}
        value={texts[name]}
        onInput={(event) => set(name, event.currentTarget.value)}
      />
    </Field>
  )
  return { texts, set, input, choice, area, reset: () => setTexts(first) }
}

/** The first choice is shown while none is selected. */
const known = (text: string | undefined, choices: readonly Choice[]): string =>
  choices.find(([value]) => value === text)?.[0] ?? choices[0]?.[0] ?? ''

/** The number in a field; undefined when it is empty. Throws an Error with a sentence. */
export function numberIn(text: string, label: string): number | undefined {
  if (text.trim() === '') return undefined
  const number = Number(text)
  if (Number.isFinite(number)) return number
  throw new Error(`${label}: "${text}" is not a number.`)
}
