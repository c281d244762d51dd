// Installs a package's dependencies. Reads the package from ./package and its options from ./in; writes to ./out what belongs
// beside the package's files. Its output is the log of the build.

import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'

const root = '/build'
const folder = join(root, 'package')
/** Downloaded by builds that need them; `packageManager` of package.json may name another version of pnpm, yarn or bun. */
const tools = { pnpm: '10.34.9', yarn: '1.22.22', '@yarnpkg/cli-dist': '4.18.1', bun: '1.4.5', esbuild: '0.28.2' }
/** Versions of pnpm that read the lock files that the version above does not. */
const pnpmOfLock = { 5: '7.33.7', 6: '8.15.9' }

process.chdir(folder)
const secretsFile = join(root, 'in/secrets.json')
Object.assign(process.env, JSON.parse(readFileSync(secretsFile, 'utf8')))
rmSync(secretsFile)

trustOperator()

const isBundled = process.env.BUNDLE_ENTRY !== undefined
const packed = new Set(pathsBelow('.'))
if (existsSync('package.json')) install()
if (isBundled) bundle(process.env.BUNDLE_ENTRY)
if (existsSync('node_modules')) {
  for (const name of ['.cache', '.package-lock.json', '.yarn-integrity', '.yarn-state.yml', '.modules.yaml']) {
    rmSync(join('node_modules', name), { recursive: true, force: true })
  }
  renameSync('node_modules', join(root, 'out/node_modules'))
}
keepMade('.')

/** Keeps what scripts of the package made, and the modules of workspaces. */
function keepMade(folder) {
  const ofManagers = /^(package-lock\.json|pnpm-lock\.yaml|yarn\.lock|bun\.lockb?|\.yarn|\.pnp\..*|\.pnpm-store)$/
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (packed.has(path)) {
      if (entry.isDirectory()) keepMade(path)
    } else if (folder !== '.' || !ofManagers.test(path)) {
      mkdirSync(join(root, 'out', folder), { recursive: true })
      renameSync(path, join(root, 'out', path))
    }
  }
}

function pathsBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? [path, ...pathsBelow(path)] : [path]
  })
}

/** Trusts the operator's certificate authorities in addition to the runtime's. */
function trustOperator() {
  const own = join(root, 'in/ca.crt')
  if (existsSync(own)) appendFileSync(own, readFileSync('/etc/ssl/certs/ca-certificates.crt'))
}

/** The lock file selects the package manager; its content is installed exactly, or the build fails. */
function install() {
  if (existsSync('pnpm-lock.yaml')) return pnpm(readFileSync('pnpm-lock.yaml', 'utf8'))
  if (existsSync('yarn.lock')) return yarn(readFileSync('yarn.lock', 'utf8'))
  if (existsSync('bun.lock') || existsSync('bun.lockb'))
    return run(tool('bun', 'bun', named('bun')), ['install', '--frozen-lockfile', '--production'])
  const quiet = ['--omit=dev', '--no-audit', '--no-fund', '--no-update-notifier']
  const isLocked = existsSync('package-lock.json') || existsSync('npm-shrinkwrap.json')
  if (!isLocked) console.log('There is no lock file: the newest versions that package.json allows are installed.')
  run('npm', [isLocked ? 'ci' : 'install', ...quiet])
}

function pnpm(lock) {
  const version = named('pnpm') ?? pnpmOfLock[/^lockfileVersion: '?(\d+)/m.exec(lock)?.[1]]
  // It would else download the version of packageManager by programs that a build does not have.
  const settings = { NPM_CONFIG_MANAGE_PACKAGE_MANAGER_VERSIONS: 'false' }
  run(tool('pnpm', 'pnpm', version), ['install', '--frozen-lockfile', '--prod', '--node-linker=hoisted'], settings)
}

function yarn(lock) {
  if (!lock.includes('__metadata:'))
    return run(tool('yarn', 'yarn'), ['install', '--frozen-lockfile', '--production', '--non-interactive'])
  const settings = {
    ...{ YARN_NODE_LINKER: 'node-modules', YARN_ENABLE_TELEMETRY: '0', YARN_ENABLE_GLOBAL_CACHE: 'false' },
    // The version in the package may be one that cannot install for production only.
    YARN_IGNORE_PATH: '1',
  }
  const version = named('yarn')
  const own = version !== undefined && Number.parseInt(version, 10) >= 4 ? version : undefined
  run(tool('@yarnpkg/cli-dist', 'yarn', own), ['workspaces', 'focus', '--all', '--production'], settings)
}

/** The version of this package manager that package.json names. */
function named(manager) {
  const { packageManager } = JSON.parse(readFileSync('package.json', 'utf8'))
  const [, name, version] = /^(\w+)@(\d+\.\d+\.\d+)(\+.*)?$/.exec(packageManager ?? '') ?? []
  return name === manager ? version : undefined
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
function tool(name, program, version = tools[name]) {
  const place = join(root, 'tools')
  run('npm', ['install', '--prefix', place, '--no-audit', '--no-fund', '--loglevel=error', `${name}@${version}`])
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
