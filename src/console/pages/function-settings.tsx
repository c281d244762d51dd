import type { FunctionRow } from '../../client/resources/functions.ts'
import { call } from '../api.ts'
import { Action } from '../parts/basics.tsx'
import { useForm } from '../parts/form.tsx'
import { type FunctionSetting, settingGroups } from './function-fields.ts'

/** All settings of a function except its code; only changed ones are sent. */
export function FunctionSettings({ fn, onSaved }: { fn: FunctionRow; onSaved(): void }) {
  const kind = fn.code.source === 'image' ? 'image' : 'package'
  const groups = settingGroups.map(
    ([title, settings]) =>
      [title, settings.filter(({ only }) => only === undefined || only === kind)] satisfies [string, unknown],
  )
  const all = groups.flatMap(([, settings]) => settings)
  const stored = Object.fromEntries(all.map((setting) => [setting.label, setting.text(fn)]))
  const form = useForm(stored)
  const save = async () => {
    const changed = all.filter(({ label }) => form.texts[label] !== stored[label])
    if (changed.length === 0) throw new Error('Nothing has changed.')
    const fields = changed.map((setting) => setting.change(form.texts[setting.label] ?? '', fn))
    await call('PUT', `/v1/functions/${encodeURIComponent(fn.id)}?keep_jobs=true`, Object.assign({}, ...fields))
    onSaved()
  }
  const control = ({ label, hint, as }: FunctionSetting) => {
    if (as === undefined) return form.input(label, label, hint === undefined ? {} : { hint })
    return as === 'lines'
      ? form.area(label, label, hint === undefined ? {} : { hint })
      : form.choice(label, label, as, hint)
  }
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      {groups.map(([title, settings]) => (
        <fieldset key={title} class="group">
          <legend>{title}</legend>
          <div class="form two">
            {settings.map((setting) => (
              <div key={setting.label}>{control(setting)}</div>
            ))}
          </div>
        </fieldset>
      ))}
      <div class="actions">
        <Action label="Save" kind="primary" act={save} />
      </div>
    </form>
  )
}
