// Builds dist/package for `npm pack`: the program as JavaScript, with its assets. npm runs this automatically (prepack).
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { projectFolder, version } from '../src/assets.ts'
import { bundle, writeJson } from './build/bundle.ts'
import { buildConsole, consoleIsOld } from './build-console.ts'

const target = join(projectFolder, 'dist/package')
const work = join(projectFolder, 'dist/package-build')

if (consoleIsOld()) await buildConsole()
const { hash, main, ledgerThread, files } = await bundle('package', work)
rmSync(target, { recursive: true, force: true })
for (const [name, path] of Object.entries(files)) put(path, name.replace(/^console\//, 'dist/console/'))
put(main, 'src/main.cjs')
put(ledgerThread, 'src/ledger-thread.cjs')
put(join(import.meta.dirname, 'build/launcher.cjs'), 'taibai.cjs')
writeJson(join(target, 'manifest.json'), { build: hash, files: {} })
rmSync(work, { recursive: true })
// Written to standard error, because a program may read npm's output.
console.error(`dist/package: taibai ${version}`)

function put(path: string, name: string): void {
  const place = join(target, name)
  mkdirSync(dirname(place), { recursive: true })
  copyFileSync(path, place)
}
