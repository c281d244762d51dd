import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isExecutable, ownCommand } from '../assets.ts'
import type { Config } from '../config.ts'
import { runCommand, runOrThrow } from './command.ts'
import { localEngine } from './engine-client.ts'
import { isRoot, runsSystemd } from './host-facts.ts'
import { SetupProblem } from './problem.ts'
import { serverEnvironment, stopLimitMs } from './server-process.ts'
import { type UnitFacts, unitText } from './service-unit.ts'

/** The server as a service of this machine or, without root, of one user. */

const unitName = 'taibai.service'

export interface ServiceUnitOptions {
  settings: Config
  /** The user's configuration folder, such as ~/.config. */
  configHome: string
  user: string
  /** Undefined: the scope's default. */
  dataDir: string | undefined
}

export interface Service {
  scope: UnitFacts['scope']
  unitFile: string
  text: string
  facts: UnitFacts
}

/** The service that would be installed. */
export function serviceOf({ settings, configHome, user, dataDir }: ServiceUnitOptions): Service {
  const scope = isRoot() ? 'system' : 'user'
  const folder = scope === 'system' ? '/etc/systemd/system' : join(configHome, 'systemd/user')
  const data = dataDir ?? (scope === 'system' ? '/var/lib/taibai' : settings.dataDir)
  const facts: UnitFacts = {
    command: ownCommand(),
    scope,
    user,
    socketGroup: groupOfSocket(settings.dockerHost),
    dataDir: data,
    environmentFile: scope === 'system' ? '/etc/taibai/taibai.env' : join(configHome, 'taibai/taibai.env'),
    environment: {
      TAIBAI_DATA_DIR: data,
      MALLOC_ARENA_MAX: serverEnvironment.MALLOC_ARENA_MAX ?? '2',
      // The service may have no access to the package's own folder.
      ...(!isExecutable && { NODE_COMPILE_CACHE: join(data, 'program/compiled') }),
    },
    stopSeconds: Math.ceil(stopLimitMs(settings) / 1000),
  }
  return { scope, unitFile: join(folder, unitName), text: unitText(facts), facts }
}

/** Writes the unit and makes systemd start it, now and at each boot. */
export async function installService(service: Service, report: (line: string) => void): Promise<void> {
  refuseWithoutSystemd()
  const { scope, unitFile, text, facts } = service
  if (scope === 'system') await ensureUser(facts, report)
  else mkdirSync(facts.dataDir, { recursive: true, mode: 0o700 })
  mkdirSync(dirname(facts.environmentFile), { recursive: true })
  mkdirSync(dirname(unitFile), { recursive: true })
  writeFileSync(unitFile, text)
  report(`wrote ${unitFile}`)
  await systemctl(scope, 'daemon-reload')
  await systemctl(scope, 'enable', unitName)
  await systemctl(scope, 'restart', unitName)
  report('started')
}

/** Keeps the data folder and the settings. False: there was no service. */
export async function uninstallService({ scope, unitFile }: Service): Promise<boolean> {
  refuseWithoutSystemd()
  if (!existsSync(unitFile)) return false
  await runCommand('systemctl', [...scopeFlag(scope), 'disable', '--now', unitName])
  rmSync(unitFile)
  await systemctl(scope, 'daemon-reload')
  return true
}

export interface ServiceState {
  installed: boolean
  /** systemd's state: `active`, `failed` and so on; null: there is no systemd. */
  active: string | null
  enabled: string | null
  /** Pid of its main process; null: none. */
  pid: number | null
}

export async function serviceState({ scope, unitFile }: Service): Promise<ServiceState> {
  const installed = existsSync(unitFile)
  if (!runsSystemd()) return { installed, active: null, enabled: null, pid: null }
  const properties = ['ActiveState', 'UnitFileState', 'MainPID']
  const { stdout } = await runCommand('systemctl', [...scopeFlag(scope), 'show', unitName, '-p', properties.join(',')])
  const of = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1] ?? ''
  return {
    installed,
    active: of('ActiveState'),
    enabled: of('UnitFileState') || null,
    pid: Number(of('MainPID')) || null,
  }
}

const scopeFlag = (scope: Service['scope']): string[] => (scope === 'user' ? ['--user'] : [])

async function systemctl(scope: Service['scope'], ...args: string[]): Promise<void> {
  await runOrThrow(`systemctl ${args.join(' ')}`, 'systemctl', [...scopeFlag(scope), ...args])
}

function refuseWithoutSystemd(): void {
  if (runsSystemd()) return
  throw new SetupProblem(
    'systemd does not run on this machine. "taibai service install --print" shows the unit; other managers start "taibai serve".',
  )
}

/** Creates the server's user, who owns the data. */
async function ensureUser({ user, dataDir }: UnitFacts, report: (line: string) => void): Promise<void> {
  if ((await runCommand('id', ['-u', user])).code !== 0) {
    const args = [
      '--system',
      '--user-group',
      '--no-create-home',
      '--home-dir',
      dataDir,
      '--shell',
      '/usr/sbin/nologin',
      user,
    ]
    await runOrThrow(`Making the user ${user}`, 'useradd', args)
    report(`made the user ${user}`)
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number(await runOrThrow('id', 'id', [flag, user]))),
  )
  if (statSync(dataDir).uid !== uid) chownSync(dataDir, uid as number, gid as number)
}

/** Members of this group may use the engine; a group without a name is given by its number. */
function groupOfSocket(host: string | undefined): string | null {
  const address = host ?? localEngine
  const path = address.startsWith('unix://') ? address.slice('unix://'.length) : null
  if (path === null || !existsSync(path)) return null
  const { gid } = statSync(path)
  if (gid === 0) return null
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((row) => row.split(':')[2] === String(gid))
  return line?.split(':')[0] ?? String(gid)
}
