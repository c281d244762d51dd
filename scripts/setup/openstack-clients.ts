// The real `openstack` command with the Qinling plugin, from Debian's packages: tests let it talk to the server.
import { run } from '../../src/host/command.ts'
import { canInstallPackages, installPackages } from '../../src/host/debian-packages.ts'
import { SetupProblem } from '../../src/host/problem.ts'
import { progress } from './terminal.ts'

const packages = ['python3-openstackclient', 'python3-qinlingclient']

/** Installs them where this may be done; elsewhere their tests are skipped, but not where they are required. */
export async function ensureOpenStackClients(areRequired: boolean): Promise<void> {
  progress.step('OpenStack clients')
  if (await areInstalled()) return progress.skipped('the openstack command is here')
  try {
    if (!(await canInstallPackages())) throw new SetupProblem('Only root can install the openstack command, on Debian.')
    await installPackages(packages, progress.detail)
    progress.done('the openstack command is installed')
  } catch (error) {
    if (!(error instanceof SetupProblem) || areRequired) throw error
    progress.warn(`${error.message}\n  NO OPENSTACK COMMAND: the tests that need it are skipped.`)
  }
}

/** Debian's Python has them both. */
async function areInstalled(): Promise<boolean> {
  return (await run('/usr/bin/python3', ['-c', 'import openstackclient, qinlingclient'])).code === 0
}
