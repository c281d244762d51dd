import { useState } from 'preact/hooks'
import type { FunctionRow, RuntimeRow } from '../../client/resources.ts'
import { call, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { bytesOf, makePackage, sendPackage } from '../packages.ts'
import { Action, Field, Page, Trouble } from '../parts/basics.tsx'
import { Editor } from '../parts/editor.tsx'
import { go } from '../router.tsx'

type Source = 'write' | 'file' | 'image'

const firstLines: Record<string, { file: string; text: string }> = {
  javascript: {
    file: 'main.mjs',
    text: "export const main = async (event, context) => {\n  console.log('called', context.executionId)\n  return { hello: event?.name ?? 'you' }\n}\n",
  },
  python: {
    file: 'main.py',
    text: 'def main(event, context):\n    print("called")\n    return {"hello": (event or {}).get("name", "you")}\n',
  },
}

export function NewFunction() {
  const runtimes = useLoad(() => get<{ runtimes: RuntimeRow[] }>('/v1/runtimes'), [])
  const [source, setSource] = useState<Source>('write')
  const [name, setName] = useState('')
  const [runtimeId, setRuntimeId] = useState('')
  const [text, setText] = useState<Record<string, string>>({})
  const [zip, setZip] = useState<File>()
  const [image, setImage] = useState('')
  const [port, setPort] = useState('')
  const available = runtimes.data?.runtimes.filter(({ status }) => status === 'available') ?? []
  const runtime = available.find(({ id }) => id === runtimeId) ?? available[0]
  const first = firstLines[runtime?.languages[0] ?? ''] ?? firstLines.javascript

  const create = async () => {
    if (name === '') throw new Error('A name is required: letters, digits, "-" and "_".')
    go(`/functions/${(await made()).id}`)
  }
  const made = (): Promise<FunctionRow> => {
    if (source === 'image') {
      const mode = port === '' ? {} : { mode: 'http', port: Number(port) }
      return call('POST', '/v1/functions', { name, code: { source: 'image', image, ...mode } })
    }
    const query = new URLSearchParams({ name, runtime: runtime?.id ?? '' })
    if (source === 'write' && first !== undefined) {
      const files = { [first.file]: bytesOf(text[first.file] ?? first.text) }
      return sendPackage('POST', `/v1/functions?${query}`, makePackage(files))
    }
    return sendPackage('POST', `/v1/functions?${query}`, packed())
  }
  const packed = (): Blob => {
    if (zip === undefined) throw new Error('Choose a ZIP of the contents of a folder.')
    return zip
  }

  return (
    <Page title="New function">
      <Trouble problem={runtimes.problem} />
      <form class="form" onSubmit={(event) => event.preventDefault()}>
        <Field label="Name">
          <input
            value={name}
            pattern="[\w\-]+"
            required
            onInput={(event) => setName(event.currentTarget.value)}
            placeholder="greet"
          />
        </Field>
        <fieldset class="choices">
          <legend>Code</legend>
          {(
            [
              ['write', 'Write it here'],
              ['file', 'From a ZIP'],
              ['image', 'A container image'],
            ] as const
          ).map(([value, label]) => (
            <label key={value}>
              <input type="radio" name="source" checked={source === value} onChange={() => setSource(value)} /> {label}
            </label>
          ))}
        </fieldset>
        {source !== 'image' && (
          <Field label="Runtime">
            <select value={runtime?.id} onChange={(event) => setRuntimeId(event.currentTarget.value)}>
              {available.map(({ id, name: own, description }) => (
                <option key={id} value={id}>
                  {own} ({description})
                </option>
              ))}
            </select>
          </Field>
        )}
        {source === 'write' && first !== undefined && (
          <div>
            <h2>{first.file}</h2>
            <Editor
              key={first.file}
              file={first.file}
              text={text[first.file] ?? first.text}
              onChange={(changed) => setText({ ...text, [first.file]: changed })}
            />
          </div>
        )}
        {source === 'file' && (
          <section
            class="drop"
            aria-label="A ZIP can be dropped here"
            onDragOver={(event) => event.preventDefault()}
            onDrop={(event) => {
              event.preventDefault()
              setZip(event.dataTransfer?.files[0])
            }}
          >
            <Field label="ZIP" hint="The contents of a folder, dependencies included. Drop it here, or choose it.">
              <input
                type="file"
                accept=".zip,application/zip"
                onChange={(event) => setZip(event.currentTarget.files?.[0])}
              />
            </Field>
            {zip && <p>{`${zip.name}, ${zip.size} bytes`}</p>}
          </section>
        )}
        {source === 'image' && (
          <>
            <Field label="Image">
              <input
                value={image}
                onInput={(event) => setImage(event.currentTarget.value)}
                placeholder="repo/name:tag"
              />
            </Field>
            <Field
              label="Port"
              hint="Where it listens for HTTP; empty: it is run once a call, with the input as arguments."
            >
              <input
                inputMode="numeric"
                value={port}
                onInput={(event) => setPort(event.currentTarget.value)}
                placeholder="8080"
              />
            </Field>
          </>
        )}
        <div class="actions">
          <Action label="Create" kind="primary" act={create} />
        </div>
      </form>
    </Page>
  )
}
