import { lastLines, run } from './command.ts'
import { SetupProblem } from './problem.ts'
import type { Report } from './progress.ts'
import { isRoot } from './this-host.ts'

/** Installs packages of Debian on this machine, when this may be done. */

const installLimitMs = 10 * 60_000

/** Packages can be installed here without asking anybody. */
export async function canInstallPackages(): Promise<boolean> {
  return isRoot() && (await run('apt-get', ['--version'])).code === 0
}

/** Installs packages, and refreshes the lists only when they turn out to be missing or too old. */
export async function installPackages(names: string[], report: Report, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const install = ['install', '-y', '--no-install-recommends', ...names]
  report(`installing ${names.join(', ')} (apt-get)`)
  if ((await aptGet(install, env)).code === 0) return
  report('refreshing the package lists (apt-get update)')
  // A third-party source that fails must not stop us: the install below decides.
  await aptGet(['update'], env)
  const result = await aptGet(install, env)
  if (result.code === 0) return
  throw new SetupProblem(`apt-get could not install ${names.join(', ')}:\n${lastLines(result.output, 10)}`)
}

function aptGet(args: string[], env: NodeJS.ProcessEnv) {
  const quiet = { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l' }
  const options = { env: { ...quiet, ...env }, timeoutMs: installLimitMs }
  return run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], options)
}
