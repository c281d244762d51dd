import { runtimesFiles } from '../../assets.ts'
import { manifestName } from './manifest.ts'

/** A template of `taibai init`: the first function of a runtime, or an example, from the runtimes' files. */

export interface Template {
  /** Name of the runtime or example. */
  name: string
  runtime: string
  /** One line. */
  description: string
  isExample: boolean
  /** Contents by relative path. */
  files: Map<string, Buffer>
}

interface Named {
  name: string
  description: string
}

/**
 * Runtimes first (those that a server has only when told, and twins in other languages, last), then the examples, each in
 * order.
 */
export function templatesIn(runtimesDir: string): Template[] {
  const { paths, read } = runtimesFiles(runtimesDir)
  const manifests = paths
    .filter((path) => /^[^/]+\/runtime\.json$/.test(path))
    .map((path): Named & { optional?: boolean; also?: Named[] } => JSON.parse(read(path).toString()))
    .sort((a, b) => Number(a.optional ?? false) - Number(b.optional ?? false))
  const below = (folder: string) => {
    const own = paths.filter((path) => path.startsWith(`${folder}/`) && !/(^|\/)__pycache__\//.test(path))
    return new Map(own.map((path) => [path.slice(folder.length + 1), read(path)]))
  }
  const first = ({ name, description }: Named, runtime: string, folder: string): Template[] => {
    const files = below(folder)
    return files.size === 0 ? [] : [{ name, runtime, description, isExample: false, files }]
  }
  const firsts = manifests.flatMap((own) => first(described(own), own.name, `${own.name}/template`))
  const twins = manifests.flatMap(({ name: folder, also = [] }) =>
    also.flatMap((twin) => first(twin, twin.name, `${folder}/templates/${twin.name}`)),
  )
  const examples = new Set(paths.flatMap((path) => /^[^/]+\/examples\/[^/]+(?=\/)/.exec(path)?.[0] ?? []))
  return [...firsts, ...twins, ...[...examples].map((folder) => exampleOf(folder, below(folder))).sort(byName)]
}

/** Names the setting without which a server does not have the runtime. */
const described = ({ name, description, optional = false }: Named & { optional?: boolean }): Named => ({
  name,
  description: optional ? `${description}; for servers with TAIBAI_RUNTIMES=${name}` : description,
})

/** The first line of its taibai.yaml describes it. */
function exampleOf(folder: string, files: Map<string, Buffer>): Template {
  const [runtime = '', , name = ''] = folder.split('/')
  const description = /^# (.*)/.exec(String(files.get(manifestName)))?.[1] ?? ''
  return { name, runtime, description, isExample: true, files }
}

const byName = (a: Template, b: Template): number => (a.name < b.name ? -1 : 1)

/** An example with another name for its functions, changed in its files as well. */
export function renamed({ name, files }: Template, to: string): Map<string, Buffer> {
  if (to === name) return files
  const word = new RegExp(`(?<![\\w-])${name}(?![\\w])`, 'g')
  return new Map(
    [...files].map(([path, content]) =>
      /\.(md|yaml)$/.test(path) ? [path, Buffer.from(content.toString().replace(word, to))] : [path, content],
    ),
  )
}
