// Programs from Debian's packages that only tests need: installed where permitted; otherwise their tests are skipped with a
// message.
import { runCommand } from '../../src/host/command.ts'
import { canInstallPackages, installPackages } from '../../src/host/debian-packages.ts'
import { SetupProblem } from '../../src/host/problem.ts'
import { progress } from './terminal.ts'

interface TestProgram {
  title: string
  packages: string[]
  /** A command that succeeds when it is installed. */
  check: [program: string, ...args: string[]]
}

const programs: TestProgram[] = [
  {
    title: 'the openstack command with the Qinling plugin',
    packages: ['python3-openstackclient', 'python3-qinlingclient'],
    // Debian's Python has both.
    check: ['/usr/bin/python3', '-c', 'import openstackclient, qinlingclient'],
  },
  { title: 'the AWS CLI', packages: ['awscli'], check: ['/usr/bin/aws', '--version'] },
  { title: 'a terminal for tests (tmux)', packages: ['tmux'], check: ['tmux', '-V'] },
  { title: 'a browser (Chromium)', packages: ['chromium'], check: ['/usr/bin/chromium', '--version'] },
]

/** Throws SetupProblem when a required program is not available. */
export async function ensureTestPrograms(areRequired: boolean): Promise<void> {
  progress.step('Programs for the tests')
  for (const program of programs) await ensure(program, areRequired)
}

async function ensure({ title, packages, check }: TestProgram, isRequired: boolean): Promise<void> {
  if ((await runCommand(check[0], check.slice(1))).code === 0) return progress.skipped(`${title} is here`)
  try {
    if (!(await canInstallPackages())) throw new SetupProblem(`Only root can install ${title}, on Debian.`)
    await installPackages(packages, progress.detail)
    progress.done(`${title} is installed`)
  } catch (error) {
    if (!(error instanceof SetupProblem) || isRequired) throw error
    progress.warn(`${error.message}\n  WITHOUT IT the tests that need it are skipped.`)
  }
}
