// Installs a package's dependencies. Reads the package from ./package and its options from ./in; writes to ./out what belongs
// beside the package's files. Its output is the log of the build.

import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'

const root = '/build'
const folder = join(root, 'package')
/** Downloaded by builds that need them. */
const tools = { pnpm: '10.34.9', yarn: '1.22.22', '@yarnpkg/cli-dist': '4.18.1', esbuild: '0.28.2' }

process.chdir(folder)
const secretsFile = join(root, 'in/secrets.json')
Object.assign(process.env, JSON.parse(readFileSync(secretsFile, 'utf8')))
rmSync(secretsFile)

trustOperator()

const isBundled = process.env.BUNDLE_ENTRY !== undefined
if (existsSync('package.json')) install()
if (isBundled) bundle(process.env.BUNDLE_ENTRY)
if (existsSync('node_modules')) {
  for (const name of ['.cache', '.package-lock.json', '.yarn-integrity', '.yarn-state.yml', '.modules.yaml']) {
    rmSync(join('node_modules', name), { recursive: true, force: true })
  }
  renameSync('node_modules', join(root, 'out/node_modules'))
}

/** Trusts the operator's certificate authorities in addition to the runtime's. */
function trustOperator() {
  const own = join(root, 'in/ca.crt')
  if (existsSync(own)) appendFileSync(own, readFileSync('/etc/ssl/certs/ca-certificates.crt'))
}

/** The lock file selects the package manager; its content is installed exactly, or the build fails. */
function install() {
  if (existsSync('pnpm-lock.yaml'))
    return run(tool('pnpm', 'pnpm'), ['install', '--frozen-lockfile', '--prod', '--node-linker=hoisted'])
  if (existsSync('yarn.lock')) return yarn(readFileSync('yarn.lock', 'utf8'))
  const quiet = ['--omit=dev', '--no-audit', '--no-fund', '--no-update-notifier']
  const isLocked = existsSync('package-lock.json') || existsSync('npm-shrinkwrap.json')
  if (!isLocked) console.log('There is no lock file: the newest versions that package.json allows are installed.')
  run('npm', [isLocked ? 'ci' : 'install', ...quiet])
}

function yarn(lock) {
  if (!lock.includes('__metadata:'))
    return run(tool('yarn', 'yarn'), ['install', '--frozen-lockfile', '--production', '--non-interactive'])
  const settings = { YARN_NODE_LINKER: 'node-modules', YARN_ENABLE_TELEMETRY: '0', YARN_ENABLE_GLOBAL_CACHE: 'false' }
  run(tool('@yarnpkg/cli-dist', 'yarn'), ['workspaces', 'focus', '--all', '--production'], settings)
}

/** Bundles the entry's module with its imports from the package; installed packages stay outside. */
function bundle(entry) {
  const module = entry.slice(0, entry.lastIndexOf('.')) || 'main'
  const place = dirname(module)
  const names = existsSync(place) ? readdirSync(place) : []
  const file = ['.ts', '.mts', '.cts', '.tsx', '.mjs', '.js', '.cjs', '.jsx']
    .map((ending) => basename(module) + ending)
    .find((name) => names.includes(name))
  if (file === undefined) fail(`There is no module "${module}" to bundle: it is that of the entry ${entry}.`)
  const isCommon = ['.cts', '.cjs'].includes(extname(file))
  const out = join(root, 'out', place, `${basename(module)}${isCommon ? '.cjs' : '.mjs'}`)
  const require = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
  run(tool('esbuild', 'esbuild'), [
    join(place, file),
    ...['--bundle', '--platform=node', '--target=node22', '--packages=external', '--sourcemap=inline'],
    ...(isCommon ? ['--format=cjs'] : ['--format=esm', `--banner:js=${require}`]),
    `--outfile=${out}`,
  ])
}

/** Path of a program in a package, which is downloaded from the configured registry. */
function tool(name, program) {
  const place = join(root, 'tools')
  run('npm', ['install', '--prefix', place, '--no-audit', '--no-fund', '--loglevel=error', `${name}@${tools[name]}`])
  return join(place, 'node_modules/.bin', program)
}

function run(program, args, env = {}) {
  console.log(`$ ${basename(program)} ${args.filter((arg) => !arg.startsWith('--banner')).join(' ')}`)
  const { status, signal, error } = spawnSync(program, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  if (error !== undefined) fail(`${program} could not be started: ${error.message}`)
  if (status !== 0) process.exit(status ?? (signal === 'SIGKILL' ? 137 : 1))
}

function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}
