import { useState } from 'preact/hooks'
import type { ExecutionRow } from '../../client/resources/executions.ts'
import { call } from '../api.ts'
import { Action, Field } from '../parts/basics.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Link } from '../router.tsx'

/** The failure of a run, and its input for editing. */
export function DeadLetterDialog({
  letter,
  name,
  onClose,
  onDone,
}: {
  letter: ExecutionRow
  name: string
  onClose(): void
  onDone(): void
}) {
  const { id, error } = letter
  const [input, setInput] = useState(letter.input ?? '')
  const given = { input: input === '' ? null : input }
  return (
    <Dialog title={`Dead letter of ${name}`} onClose={onClose}>
      <form class="form" onSubmit={(event) => event.preventDefault()}>
        {error && <pre class="bad">{error.stack ?? `${error.type}: ${error.message}`}</pre>}
        <Field label="Input" hint="JSON is parsed; other text is passed as a string.">
          <textarea
            rows={8}
            spellcheck={false}
            value={input}
            onInput={(event) => setInput(event.currentTarget.value)}
          />
        </Field>
        <div class="actions">
          <Action
            label="Redrive with this input"
            kind="primary"
            act={() => call('POST', `/v1/dead-letters/${encodeURIComponent(id)}/redrive`, given).then(onDone)}
          />
          <Action
            label="Save the input"
            act={() => call('PUT', `/v1/dead-letters/${encodeURIComponent(id)}`, given).then(onDone)}
          />
          <Link to={`/executions/${id}`}>Log and phases</Link>
        </div>
      </form>
    </Dialog>
  )
}
