import { lastLines, runCommand } from './command.ts'
import { isRoot } from './host-facts.ts'
import { SetupProblem } from './problem.ts'
import type { Report } from './progress.ts'

/** Installs Debian packages on this machine, where permitted. */

const installLimitMs = 10 * 60_000

/** True when packages can be installed without asking. */
export async function canInstallPackages(): Promise<boolean> {
  return isRoot() && (await runCommand('apt-get', ['--version'])).code === 0
}

/** Installs packages; refreshes the package lists only when they are missing or too old. */
export async function installPackages(names: string[], report: Report, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const install = ['install', '-y', '--no-install-recommends', ...names]
  report(`installing ${names.join(', ')} (apt-get)`)
  if ((await aptGet(install, env)).code === 0) return
  report('refreshing the package lists (apt-get update)')
  // A failing third-party source does not stop us: the installation below decides.
  await aptGet(['update'], env)
  const result = await aptGet(install, env)
  if (result.code === 0) return
  throw new SetupProblem(`apt-get could not install ${names.join(', ')}:\n${lastLines(result.output, 10)}`)
}

function aptGet(args: string[], env: NodeJS.ProcessEnv) {
  const quiet = { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l' }
  const options = { env: { ...quiet, ...env }, timeoutMs: installLimitMs }
  return runCommand('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], options)
}
