import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { projectFolder } from '../../src/assets.ts'

/** Third-party parts of a release, by what is really bundled instead of what is installed. */

/** Parts that the bundler does not see: the add-on, Node.js itself, and packages inside the Node.js shim. */
const carried = ['better-sqlite3', `node-linux-${process.arch}`, 'sucrase']
const entries = ['src/main.ts', 'src/store/ledger-writer.ts', 'src/console/main.tsx']

export interface Part {
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
  return [...names].sort().map(partOf)
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
  name: string
  group?: string
}

interface Bom {
  metadata: { component: { 'bom-ref': string } }
  components: Component[]
  dependencies: { ref: string; dependsOn?: string[] }[]
}

/** Reduces npm's list of everything installed to the release's parts. */
export function bomOf<Whole extends Bom>(whole: Whole, parts: Part[]): Whole {
  const wanted = new Set(parts.map(({ name, version }) => `${name}@${version}`))
  const components = whole.components.filter((component) => wanted.has(component['bom-ref'].split('|').at(-1) ?? ''))
  const refs = new Set([...components.map((component) => component['bom-ref']), whole.metadata.component['bom-ref']])
  const dependencies = whole.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: (dependsOn ?? []).filter((other) => refs.has(other)) }))
  return { ...whole, components, dependencies }
}
