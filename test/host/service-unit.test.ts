import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type UnitFacts, unitText } from '../../src/host/service-unit.ts'

const facts: UnitFacts = {
  command: [process.execPath],
  scope: 'system',
  user: 'taibai',
  socketGroup: 'docker',
  dataDir: '/var/lib/taibai',
  environmentFile: '/etc/taibai/taibai.env',
  environment: { TAIBAI_DATA_DIR: '/var/lib/taibai' },
  stopSeconds: 60,
}
const linesOf = (given: Partial<UnitFacts>): string[] => unitText({ ...facts, ...given }).split('\n')

describe('the unit of the service', () => {
  test('of the system runs as a user of its own who is in the group of the engine’s socket, behind fences', () => {
    const lines = linesOf({})
    for (const line of [
      `ExecStart=${process.execPath} serve`,
      'Type=notify',
      'WatchdogSec=30',
      'User=taibai',
      'SupplementaryGroups=docker',
      'StateDirectory=taibai',
      'Environment=TAIBAI_DATA_DIR=/var/lib/taibai',
      'EnvironmentFile=-/etc/taibai/taibai.env',
      'TimeoutStopSec=60',
      'CapabilityBoundingSet=',
      'CPUWeight=1000',
      'ProtectSystem=strict',
      'ProtectHome=yes',
      'NoNewPrivileges=yes',
      'WantedBy=multi-user.target',
    ])
      expect(lines).toContain(line)
    expect(lines.join('\n')).not.toContain('MemoryDenyWriteExecute')
  })

  test('lets the server reach a data folder elsewhere, and a program in somebody’s home', () => {
    const lines = linesOf({ dataDir: '/srv/my data', command: ['/home/me/taibai'] })
    expect(lines).toContain('ReadWritePaths="/srv/my data"')
    expect(lines).toContain('ProtectHome=read-only')
    expect(lines.join('\n')).not.toContain('StateDirectory')
  })

  test('as root keeps what the firewall of the functions needs, and is in no further group', () => {
    const text = linesOf({ user: 'root' }).join('\n')
    expect(text).toContain('CAP_NET_ADMIN')
    expect(text).not.toMatch(/SupplementaryGroups|~@privileged/)
  })

  test('of a user asks for nothing that only root may', () => {
    const text = linesOf({ scope: 'user' }).join('\n')
    expect(text).not.toMatch(/^(User|SupplementaryGroups|ProtectSystem|CapabilityBoundingSet)=/m)
    expect(text).toContain('WantedBy=default.target')
  })

  test('says paths so that systemd reads them as they are', () => {
    expect(linesOf({ command: ['/opt/50%/a b', '/x/$y.ts'] })).toContain('ExecStart="/opt/50%%/a b" /x/$$y.ts serve')
  })

  const hasAnalyze = existsSync('/usr/bin/systemd-analyze')
  test.skipIf(!hasAnalyze).each(['system', 'user'] as const)('of a %s is accepted by systemd', (scope) => {
    const folder = mkdtempSync(join(tmpdir(), 'taibai-unit-'))
    const file = join(folder, 'taibai.service')
    writeFileSync(file, unitText({ ...facts, scope, user: 'nobody', socketGroup: null }))
    try {
      const args = [...(scope === 'user' ? ['--user'] : []), '--man=no', 'verify', file]
      const said = execFileSync('systemd-analyze', args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, XDG_RUNTIME_DIR: folder },
      })
      expect(said).toBe('')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
