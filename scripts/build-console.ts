// Builds dist/console, the web page as static files, and prints the size of its first load. `--if-old` does nothing when it is up
// to date.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { consoleExamples } from './build/console-examples.ts'

const project = join(import.meta.dirname, '..')
const source = join(project, 'src/console')
const target = join(project, 'dist/console')

/** False when the files exist and no source is newer. */
export function consoleIsOld(): boolean {
  const made = statSync(join(target, 'index.html'), { throwIfNoEntry: false })
  if (made === undefined) return true
  const runtimes = join(project, 'runtimes')
  const examples = readdirSync(runtimes)
    .map((name) => join(runtimes, name, 'examples'))
    .filter(existsSync)
  const files = [source, ...examples].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  return files.some((file) => statSync(file).mtimeMs > made.mtimeMs)
}

/** Several may build it at once: what is there is whole at any moment but that of the exchange. */
export async function buildConsole(): Promise<void> {
  const unfinished = `${target}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  await build({
    // The simulator is a web worker, which must not share code that uses the page.
    entryPoints: [join(source, 'main.tsx'), join(source, 'simulate-worker.ts')],
    outdir: unfinished,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2023',
    minify: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { taibaiExamples: JSON.stringify(consoleExamples()) },
    chunkNames: 'part-[hash]',
    legalComments: 'none',
    logLevel: 'error',
  })
  copyFileSync(join(source, 'index.html'), join(unfinished, 'index.html'))
  rmSync(target, { recursive: true, force: true })
  renameSync(unfinished, target)
}

/** Compressed size of the files that the page loads at once. */
export function firstLoadBytes(): number {
  const main = readFileSync(join(target, 'main.js'), 'utf8')
  const parts = [...main.matchAll(/from\s*"\.\/(part-[\w]+\.js)"/g)].map(([, name]) => name as string)
  return ['index.html', 'main.js', 'main.css', ...new Set(parts)]
    .map((name) => gzipSync(readFileSync(join(target, name))).length)
    .reduce((sum, bytes) => sum + bytes, 0)
}

if (import.meta.main && !(process.argv.includes('--if-old') && !consoleIsOld())) {
  await buildConsole()
  console.log(`dist/console: the first load is ${(firstLoadBytes() / 1024).toFixed(1)} KiB compressed`)
}
