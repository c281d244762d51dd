import { join } from 'node:path'
import { projectFolder } from '../../src/assets.ts'
import { type ManifestFunction, manifestName, readManifest } from '../../src/cli/manifest/manifest.ts'
import { functionInManifest } from '../../src/cli/manifest/manifest-function.ts'
import { howOf } from '../../src/cli/manifest/manifest-steps.ts'
import { type Template, templatesIn } from '../../src/cli/manifest/templates.ts'
import type { FunctionTemplate } from '../../src/console/pages/function-templates.ts'

/** The runtimes' examples for the console: files, and the requests that create their functions. */
export function consoleExamples(): FunctionTemplate[] {
  const runtimes = join(projectFolder, 'runtimes')
  return templatesIn(runtimes)
    .filter(({ isExample }) => isExample)
    .map((template) => exampleOf(template, join(runtimes, template.runtime, 'examples', template.name)))
}

const languages: Record<string, FunctionTemplate['language']> = { nodejs: 'javascript', python3: 'python' }

function exampleOf({ name, runtime, description, files }: Template, folder: string): FunctionTemplate {
  const { manifest } = readManifest(join(folder, manifestName))
  const said = manifest.functions[name] as ManifestFunction
  const ending = runtime === 'python3' ? 'py' : 'mjs'
  const file = `${said.entry?.split('.')[0] ?? 'main'}.${ending}`
  const others = [...files].filter(([path]) => ![file, manifestName, 'README.md'].includes(path))
  return {
    name: description,
    language: languages[runtime] as FunctionTemplate['language'],
    file,
    text: String(files.get(file)),
    example: {
      name,
      files: Object.fromEntries(others.map(([path, content]) => [path, content.toString()])),
      functions: Object.entries(manifest.functions).map(([own, fn]) => functionOf(own, fn, folder)),
    },
  }
}

function functionOf(name: string, fn: ManifestFunction, folder: string) {
  const { build } = howOf(fn, {})
  const { fields } = functionInManifest(name, fn, folder)
  const query = { ...fields, ...(build && { build }) }
  const text = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))
  return {
    name,
    query: Object.fromEntries(Object.entries(query).map(([field, value]) => [field, text(value)])),
    jobs: Object.entries(fn.jobs ?? {}).map(([job, said]) => ({ name: job, ...said })),
    webhooks: Object.entries(fn.webhooks ?? {}).map(([description, said]) => ({ description, ...said })),
  }
}
