import { useState } from 'preact/hooks'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { RuntimeRow } from '../../client/resources/runtimes.ts'
import { call, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { bytesOf, type Files, makePackage, sendPackage, type UploadResult } from '../packages.ts'
import { Action, Empty, ErrorMessage, Page } from '../parts/basics.tsx'
import { Editor } from '../parts/editor.tsx'
import { useForm } from '../parts/form.tsx'
import { go } from '../router.tsx'
import { ChooseFiles } from './choose-files.tsx'
import { packageOf } from './chosen-files.ts'
import { makeExample } from './example.ts'
import { templatesOf } from './function-templates.ts'
import { aboutFission, defaultPorts, imageCode, imageModes } from './image-code.ts'

type Source = 'write' | 'file' | 'image' | 'swift'

const sources: [Source, string][] = [
  ['write', 'Editor'],
  ['file', 'Files, folder or ZIP'],
  ['image', 'Container image'],
  ['swift', 'Swift object'],
]

export function NewFunctionPage() {
  const runtimes = useLoad(() => get<{ runtimes: RuntimeRow[] }>('/v1/runtimes'), [])
  const [source, setSource] = useState<Source>('write')
  const form = useForm({
    name: '',
    runtime: '',
    entry: '',
    template: '0',
    image: '',
    mode: 'command',
    port: '',
    container: '',
    object: '',
  })
  const { texts } = form
  const [written, setWritten] = useState<Record<string, string>>({})
  const [files, setFiles] = useState<Files>({})
  const available = runtimes.data?.runtimes.filter(({ status }) => status === 'available') ?? []
  const runtime = available.find(({ id }) => id === texts.runtime) ?? available[0]
  const templates = templatesOf(runtime?.languages[0])
  const template = templates[Number(texts.template)] ?? templates[0]
  const place = `${runtime?.languages[0]} ${template?.name}`

  const port = defaultPorts[texts.mode]

  const create = async () => {
    if (texts.name === '') throw new Error('A name is required: letters, digits, "-" and "_".')
    const { fn, build } = await made()
    go(build === undefined ? `/functions/${fn.id}` : `/builds/${build.id}`)
  }
  const made = async (): Promise<UploadResult> => {
    const { name, container, object, entry } = texts
    if (source === 'image') {
      const code = imageCode(texts)
      if (texts.mode === 'fission' && Object.keys(files).length > 0) {
        const query = new URLSearchParams({ name, code: JSON.stringify(code) })
        return sendPackage('POST', `/v1/functions?${query}`, await packageOf(files))
      }
      return { fn: await call<FunctionRow>('POST', '/v1/functions', { name, code }) }
    }
    const own = { name, runtime: runtime?.id ?? '', ...(entry !== '' && { entry }) }
    if (source === 'swift') {
      return {
        fn: await call<FunctionRow>('POST', '/v1/functions', {
          ...own,
          code: { source, swift: { container, object } },
        }),
      }
    }
    if (source === 'file')
      return sendPackage('POST', `/v1/functions?${new URLSearchParams(own)}`, await packageOf(files))
    if (template === undefined) throw new Error('This runtime takes no source text: upload a package.')
    const query = new URLSearchParams({ ...own, ...(template.signature && { signature: template.signature }) })
    const text = written[place] ?? template.text
    if (template.example !== undefined) {
      const files = { ...template.example.files, [template.file]: text }
      return { fn: await makeExample(template.example, files, { name, runtime: own.runtime }) }
    }
    return sendPackage('POST', `/v1/functions?${query}`, makePackage({ [template.file]: bytesOf(text) }))
  }

  return (
    <Page title="New function">
      <ErrorMessage problem={runtimes.problem} />
      <form class="form" onSubmit={(event) => event.preventDefault()}>
        {form.input('name', 'Name', { placeholder: 'greet' })}
        <fieldset class="choices">
          <legend>Code</legend>
          {sources.map(([value, label]) => (
            <label key={value}>
              <input type="radio" name="source" checked={source === value} onChange={() => setSource(value)} /> {label}
            </label>
          ))}
        </fieldset>
        {source !== 'image' &&
          form.choice(
            'runtime',
            'Runtime',
            available.map(({ id, name, description }) => [id, `${name} (${description})`]),
          )}
        {source === 'write' && template === undefined && (
          <Empty>This runtime takes no source text: upload a package.</Empty>
        )}
        {source === 'write' && template !== undefined && (
          <>
            {form.choice(
              'template',
              'Template',
              templates.map(({ name }, at) => [String(at), name]),
            )}
            <div>
              <h2>{template.file}</h2>
              <Editor
                key={place}
                file={template.file}
                text={written[place] ?? template.text}
                onChange={(changed) => setWritten({ ...written, [place]: changed })}
              />
            </div>
          </>
        )}
        {source === 'file' && <ChooseFiles files={files} about={aboutPackages} onChosen={setFiles} />}
        {(source === 'file' || source === 'swift') &&
          form.input('entry', 'Entry', { hint: "module.callable; empty: the runtime's, such as main.main" })}
        {source === 'image' && (
          <>
            {form.input('image', 'Image', { placeholder: 'repo/name:tag' })}
            {form.choice('mode', 'Mode', imageModes)}
            {port !== undefined && form.input('port', 'Port', { placeholder: port, hint: `empty: ${port}` })}
            {texts.mode === 'fission' && (
              <>
                {form.input('entry', 'Entry', { hint: 'name of the function that the environment loads: user.main' })}
                <ChooseFiles files={files} about={aboutFission} onChosen={setFiles} />
              </>
            )}
          </>
        )}
        {source === 'swift' && (
          <>
            {form.input('container', 'Container')}
            {form.input('object', 'Object', { placeholder: 'greet.zip', hint: 'a ZIP; needs a server with OpenStack' })}
          </>
        )}
        <div class="actions">
          <Action label="Create" kind="primary" act={create} />
        </div>
      </form>
    </Page>
  )
}

const aboutPackages =
  'Drop files, a folder or a ZIP here, or choose them. Dependencies are in the package, or are installed by the server (package.json, requirements.txt, pyproject.toml).'
