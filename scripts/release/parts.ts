import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { projectFolder } from '../../src/assets.ts'

/** Third-party parts of a release, by what is really bundled instead of what is installed. */

/** Parts that the bundler does not see: the add-on, Node.js itself, and packages inside the Node.js shim. */
const carried = ['better-sqlite3', `node-linux-${process.arch}`, 'sucrase']
const entries = ['src/main.ts', 'src/store/ledger-writer.ts', 'src/console/main.tsx']

export interface Part {
  /** Absent: a package of npm. */
  registry?: 'pypi'
  name: string
  version: string
  licence: string
  /** Its licence text; empty: none. */
  text: string
}

export async function bundledParts(): Promise<Part[]> {
  const { metafile } = await build({
    entryPoints: entries.map((entry) => join(projectFolder, entry)),
    absWorkingDir: projectFolder,
    outdir: join(projectFolder, 'dist/none'),
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    external: ['*.node'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'error',
  })
  const names = new Set([...carried, ...Object.keys(metafile.inputs).flatMap((path) => packageOf(path) ?? [])])
  return [...[...names].sort().map(partOf), ...platformParts()]
}

const platforms = (runtime: string): string => join(projectFolder, 'runtimes', runtime, 'platform')

/** Packages that functions of other platforms are given, which lie in the images of runtimes. */
export function platformParts(): Part[] {
  const folders = readdirSync(platforms('nodejs'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const npm = folders.flatMap(({ name }) =>
    partsIn(readFileSync(join(platforms('nodejs'), name, 'LICENSES.txt'), 'utf8')),
  )
  const pypi = requirementsIn(readFileSync(join(platforms('python3'), 'requirements.txt'), 'utf8'))
  const all = [...npm, ...pypi].map((part): [string, Part] => [`${part.name}@${part.version}`, part])
  return [...new Map(all).values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The parts in a LICENSES.txt: each begins with name and version, and ends with a line of dashes. */
export function partsIn(text: string): Part[] {
  return text.split(/^---$/m).flatMap((section) => {
    const [, name, version, rest = ''] = /^(\S+) (\d\S*)\n(.*)/s.exec(section.trim()) ?? []
    return name === undefined || version === undefined
      ? []
      : [{ name, version, licence: 'see its text', text: rest.trim() }]
  })
}

/** Their licences are in the archive of these packages. */
export function requirementsIn(text: string): Part[] {
  return [...text.matchAll(/^([\w.-]+)==(\S+)$/gm)].map(([, name = '', version = '']) => {
    return { registry: 'pypi', name, version, licence: 'in packages.zip of the image', text: '' }
  })
}

/** `node_modules/a/node_modules/@b/c/d.js` → `@b/c`; undefined: our own file. */
export function packageOf(path: string): string | undefined {
  const inside = path.split('node_modules/')
  if (inside.length < 2) return undefined
  const [first = '', second = ''] = (inside.at(-1) as string).split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

function partOf(name: string): Part {
  const folder = join(projectFolder, 'node_modules', name)
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  const text =
    file !== undefined && existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8').trim() : ''
  return { name, version, licence: typeof license === 'string' ? license : 'see its text', text }
}

export function licencesText(parts: Part[]): string {
  const list = parts.map(({ name, version, licence }) => `${name} ${version}: ${licence}`).join('\n')
  const texts = parts.filter(({ text }) => text !== '').map(({ name, text }) => `${'='.repeat(80)}\n${name}\n\n${text}`)
  return `Taibai is under the Apache Licence 2.0 (see LICENSE). It carries:\n\n${list}\n\n${texts.join('\n\n')}\n`
}

interface Component {
  'bom-ref': string
  type?: string
  name: string
  group?: string
  version?: string
  purl?: string
}

interface Bom {
  metadata: { component: { 'bom-ref': string; name?: string } }
  components: Component[]
  dependencies: { ref: string; dependsOn?: string[] }[]
}

/** Reduces npm's list of everything installed to the release's parts, and adds those that npm does not know. */
export function bomOf<Whole extends Bom>(whole: Whole, parts: Part[]): Whole {
  const wanted = new Set(parts.map(({ name, version }) => `${name}@${version}`))
  const components = whole.components.filter((component) => wanted.has(component['bom-ref'].split('|').at(-1) ?? ''))
  const known = new Set(components.map((component) => component['bom-ref'].split('|').at(-1)))
  const others = parts.filter(({ name, version }) => !known.has(`${name}@${version}`)).map(componentOf)
  const refs = new Set([...components.map((component) => component['bom-ref']), whole.metadata.component['bom-ref']])
  const dependencies = whole.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: (dependsOn ?? []).filter((other) => refs.has(other)) }))
  // npm calls it by the name of its folder.
  const metadata = { ...whole.metadata, component: { ...whole.metadata.component, name: 'taibai' } }
  return { ...whole, metadata, components: [...components, ...others], dependencies }
}

function componentOf({ registry, name, version }: Part): Component {
  const purl = `pkg:${registry ?? 'npm'}/${name.replace('@', '%40')}@${version}`
  return { 'bom-ref': `${registry === 'pypi' ? 'pypi:' : ''}${name}@${version}`, type: 'library', name, version, purl }
}
