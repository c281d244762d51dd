import { useState } from 'preact/hooks'
import { Field } from './basics.tsx'
import type { Choice } from './choices.tsx'

interface How {
  hint?: string | undefined
  placeholder?: string
  isSecret?: boolean
  /** A local day and time. */
  isTime?: boolean
}

/** The texts of a form by name, and its fields. */
export function useForm<Texts extends Record<string, string>>(first: Texts) {
  type Name = keyof Texts & string
  const [texts, setTexts] = useState(first)
  const set = (name: Name, value: string) => setTexts((known) => ({ ...known, [name]: value }))
  const input = (name: Name, label: string, { hint, placeholder, isSecret, isTime }: How = {}) => (
    <Field label={label} hint={hint}>
      <input
        type={(isSecret ? 'password' : isTime ? 'datetime-local' : 'text') as 'text'}
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
  /** Several of the values: the text has them, separated by commas. */
  const checks = (name: Name, label: string, choices: readonly Choice[]) => {
    const chosen = (texts[name] ?? '').split(',').filter((value) => value !== '')
    const without = (value: string) => chosen.filter((each) => each !== value)
    return (
      <fieldset class="choices">
        <legend>{label}</legend>
        {choices.map(([value, shown]) => (
          <label key={value}>
            <input
              type="checkbox"
              checked={chosen.includes(value)}
              onChange={({ currentTarget: { checked } }) =>
                set(name, [...without(value), ...(checked ? [value] : [])].join(','))
              }
            />{' '}
            {shown}
          </label>
        ))}
      </fieldset>
    )
  }
  return { texts, set, input, choice, area, checks, reset: () => setTexts(first) }
}

/** The first choice is shown while none is selected. */
const known = (text: string | undefined, choices: readonly Choice[]): string =>
  choices.find(([value]) => value === text)?.[0] ?? choices[0]?.[0] ?? ''
