/** The systemd unit of the server, as a value. */

export interface UnitFacts {
  /** The program and its first arguments; `serve` is appended. */
  command: string[]
  /** `system`: started at boot; `user`: a unit of one user's own manager. */
  scope: 'system' | 'user'
  /** The server's user, in the system scope. */
  user: string
  /** Group of the engine's socket; null: no group is needed. */
  socketGroup: string | null
  dataDir: string
  /** File with settings, one per line; it may be missing. */
  environmentFile: string
  environment: Record<string, string>
  /** Longest time to stop. */
  stopSeconds: number
}

type Section = (string | false)[]

export function unitText(facts: UnitFacts): string {
  const sections: [name: string, lines: Section][] = [
    ['Unit', about(facts)],
    ['Service', service(facts)],
    ['Install', [`WantedBy=${facts.scope === 'system' ? 'multi-user' : 'default'}.target`]],
  ]
  return sections.map(([name, lines]) => `[${name}]\n${lines.filter((line) => line !== false).join('\n')}\n`).join('\n')
}

/** Wants instead of Requires: the server outlives a restart of the engine. */
const about = ({ scope }: UnitFacts): Section => [
  'Description=Taibai, functions as a service',
  ...(scope === 'system'
    ? ['Wants=docker.service network-online.target', 'After=docker.service network-online.target']
    : []),
]

function service(facts: UnitFacts): Section {
  const { command, scope, user, socketGroup, environmentFile, environment, stopSeconds } = facts
  const isSystem = scope === 'system'
  return [
    'Type=notify',
    'NotifyAccess=all',
    'WatchdogSec=30',
    `ExecStart=${[...command, 'serve'].map(quoted).join(' ')}`,
    isSystem && `User=${user}`,
    isSystem && socketGroup !== null && user !== 'root' && `SupplementaryGroups=${socketGroup}`,
    ...Object.entries(environment).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
    `EnvironmentFile=-${environmentFile}`,
    'Restart=always',
    'RestartSec=2',
    `TimeoutStopSec=${stopSeconds}`,
    'KillMode=mixed',
    'LimitNOFILE=65536',
    'UMask=0077',
    ...(isSystem ? [...foldersOf(facts), ...fences(facts)] : []),
    ...everywhere,
  ]
}

const usualDataDir = '/var/lib/taibai'

const foldersOf = ({ dataDir }: UnitFacts): Section =>
  dataDir === usualDataDir
    ? ['StateDirectory=taibai', 'StateDirectoryMode=0700']
    : [`ReadWritePaths=${quoted(dataDir)}`]

/**
 * Restrictions against accidents; access to the engine's socket bypasses them. MemoryDenyWriteExecute is left out because V8
 * compiles code; @resources stays because Node.js raises its limit of open files.
 */
function fences({ user, command, dataDir }: UnitFacts): Section {
  const isHome = [...command, dataDir].some((path) => /^\/(home|root|run\/user)\//.test(path))
  const asRoot = ['CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_NET_ADMIN CAP_NET_RAW']
  const asUser = [
    'CapabilityBoundingSet=',
    'AmbientCapabilities=',
    'SystemCallFilter=@system-service',
    'SystemCallFilter=~@privileged',
    'SystemCallErrorNumber=EPERM',
  ]
  return [
    ...(user === 'root' ? asRoot : asUser),
    'OOMScoreAdjust=-500',
    // The server has priority over computing programs, because its event loop serves the calls of all functions.
    'CPUWeight=1000',
    'ProtectSystem=strict',
    `ProtectHome=${isHome ? 'read-only' : 'yes'}`,
    'PrivateTmp=yes',
    'PrivateDevices=yes',
    'ProtectKernelTunables=yes',
    user !== 'root' && 'ProtectKernelModules=yes',
    'ProtectKernelLogs=yes',
    'ProtectControlGroups=yes',
    'ProtectClock=yes',
    'ProtectHostname=yes',
  ]
}

/** Restrictions that a user's own manager supports too. */
const everywhere = [
  'NoNewPrivileges=yes',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  'SystemCallArchitectures=native',
]

/** Quotes a word for systemd: quotes around spaces; `%` and `$` are escaped. */
function quoted(word: string): string {
  const literal = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /[\s"'\\]/.test(literal) ? `"${literal.replace(/["\\]/g, '\\$&')}"` : literal
}
