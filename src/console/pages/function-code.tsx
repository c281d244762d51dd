import { useEffect, useState } from 'preact/hooks'
import type { FunctionRow } from '../../client/resources/functions.ts'
import { useLoad } from '../load.ts'
import { bytesOf, type Files, isText, makePackage, openPackage, sendPackage, textOf } from '../packages.ts'
import { Action, Badge, Empty, ErrorMessage, Field } from '../parts/basics.tsx'
import { Difference, Editor } from '../parts/editor.tsx'
import { Link } from '../router.tsx'
import { BuildLogText, useBuild } from './build-parts.tsx'
import { ChooseFiles } from './choose-files.tsx'
import { packageOf } from './chosen-files.ts'
import { aboutFission } from './image-code.ts'

/** The files of the package; saving them deploys them. */
export function FunctionCodeTab({ fn, onSaved }: { fn: FunctionRow; onSaved(): void }) {
  if (fn.code.mode === 'fission') return <FissionPackage fn={fn} onSaved={onSaved} />
  if (fn.code.source !== 'package')
    return (
      <Empty>
        Its code is {fn.code.source === 'image' ? 'a container image' : 'an object in Swift'}: it is changed there.
      </Empty>
    )
  return <Package fn={fn} onSaved={onSaved} />
}

/** The package beside an image is replaced as a whole. */
function FissionPackage({ fn, onSaved }: { fn: FunctionRow; onSaved(): void }) {
  const [files, setFiles] = useState<Files>({})
  const save = async () => {
    await sendPackage('PUT', `/v1/functions/${encodeURIComponent(fn.id)}?keep_jobs=true`, await packageOf(files))
    setFiles({})
    onSaved()
  }
  return (
    <div class="form">
      <ChooseFiles files={files} about={aboutFission} onChosen={setFiles} />
      <div class="actions">
        <Action label="Upload" kind="primary" act={save} />
      </div>
    </div>
  )
}

function Package({ fn, onSaved }: { fn: FunctionRow; onSaved(): void }) {
  const stored = useLoad(() => openPackage(fn.id), [fn.id])
  const [files, setFiles] = useState<Files>()
  const [shown, setShown] = useState('')
  const [isSaved, setIsSaved] = useState(true)
  const [buildId, setBuildId] = useState<string>()
  const [against, setAgainst] = useState(0)
  const earlier = useLoad(() => (against === 0 ? Promise.resolve(undefined) : openPackage(fn.id, against)), [against])
  useEffect(() => {
    if (stored.data === undefined || files !== undefined) return
    setFiles(stored.data)
    setShown(
      Object.keys(stored.data).find((name) => /^(main|index|app)\./.test(name)) ?? Object.keys(stored.data)[0] ?? '',
    )
  }, [stored.data])
  if (files === undefined) return <ErrorMessage problem={stored.problem} />
  const bytes = files[shown]
  const save = async () => {
    const { build } = await sendPackage(
      'PUT',
      `/v1/functions/${encodeURIComponent(fn.id)}?keep_jobs=true`,
      makePackage(files),
    )
    setIsSaved(true)
    setBuildId(build?.id)
    if (build === undefined) onSaved()
  }
  const change = (text: string) => {
    setFiles({ ...files, [shown]: bytesOf(text) })
    setIsSaved(false)
  }
  const add = () => {
    const name = prompt('File name, such as lib/prices.mjs')
    if (!name) return
    setFiles({ ...files, [name]: files[name] ?? bytesOf('') })
    setShown(name)
  }
  const remove = () => {
    const { [shown]: _gone, ...rest } = files
    setFiles(rest)
    setShown(Object.keys(rest)[0] ?? '')
    setIsSaved(false)
  }
  return (
    <div class="code">
      <div class="bar">
        <Field label="File">
          <select value={shown} onChange={(event) => setShown(event.currentTarget.value)}>
            {Object.keys(files)
              .sort()
              .map((name) => (
                <option key={name}>{name}</option>
              ))}
          </select>
        </Field>
        {fn.latest_version > 0 && (
          <Field label="Compare with">
            <select value={against} onChange={(event) => setAgainst(Number(event.currentTarget.value))}>
              <option value={0}>nothing</option>
              {Array.from({ length: fn.latest_version }, (_, at) => at + 1).map((number) => (
                <option key={number} value={number}>
                  version {number}
                </option>
              ))}
            </select>
          </Field>
        )}
        <div class="actions">
          <button type="button" onClick={add}>
            Add a file
          </button>
          <button type="button" onClick={remove} disabled={Object.keys(files).length < 2}>
            Remove this file
          </button>
          <Action label={isSaved ? 'Saved' : 'Save'} kind="primary" act={save} />
        </div>
      </div>
      {buildId !== undefined && <SavedBuild key={buildId} id={buildId} onDone={onSaved} />}
      <ErrorMessage problem={earlier.problem} />
      {bytes !== undefined && !isText(bytes) && <Empty>{`This file is binary: ${bytes.length} bytes.`}</Empty>}
      {bytes !== undefined && isText(bytes) && against === 0 && (
        <Editor key={shown} file={shown} text={textOf(bytes)} onChange={change} onSave={() => void save()} />
      )}
      {bytes !== undefined && isText(bytes) && against > 0 && earlier.data !== undefined && (
        <Difference file={shown} before={textOf(earlier.data[shown] ?? bytesOf(''))} after={textOf(bytes)} />
      )}
    </div>
  )
}

/** The build of the saved files; the previous code runs until it has succeeded. */
function SavedBuild({ id, onDone }: { id: string; onDone(): void }) {
  const { data, log } = useBuild(id)
  const status = data?.status ?? 'running'
  useEffect(() => {
    if (status === 'success') onDone()
  }, [status])
  return (
    <section aria-label="Build of the saved code">
      <p role="status">
        <Badge kind={status} /> <Link to={`/builds/${id}`}>Build</Link>{' '}
        {status === 'running'
          ? 'Dependencies are being installed; the previous code serves calls meanwhile.'
          : data?.error}
      </p>
      {status !== 'success' && <BuildLogText log={log} isOver={status !== 'running'} />}
    </section>
  )
}
