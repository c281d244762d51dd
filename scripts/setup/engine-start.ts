// Installs Docker from Debian's packages and starts its engine, with systemd or by hand.
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { lastLines, must } from './command.ts'
import { installPackages } from './debian-packages.ts'
import type { EngineFacts } from './engine-decision.ts'
import { hostMtu, STANDARD_MTU } from './host-mtu.ts'
import type { Report } from './progress.ts'
import { findProgram } from './this-host.ts'

const SETTINGS_FOLDER = '/etc/docker'
const SETTINGS = `${SETTINGS_FOLDER}/daemon.json`
const LOG = '/var/log/taibai-dockerd.log'

/** A start that is under way. */
export interface StartAttempt {
  hasEnded(): boolean
  logTail(): string
}

export async function installEngine(facts: EngineFacts, report: Report): Promise<void> {
  if (facts.hasSystemd) settleMtu(report)
  // On a host without systemd the package would start the engine itself, with its own settings; runlevel 1 prevents it.
  const env = facts.hasSystemd ? {} : { RUNLEVEL: '1' }
  if (!facts.hasDaemon && facts.answer !== 'yes') await installPackages(['docker.io'], report, env)
  // Newer releases have the command line in a package of its own.
  if (!findProgram('docker')) await installPackages(['docker-cli'], report, env)
}

export function startEngine(facts: EngineFacts, report: Report): Promise<StartAttempt> {
  return facts.hasSystemd ? startWithSystemd(report) : startByHand(report)
}

async function startWithSystemd(report: Report): Promise<StartAttempt> {
  report('starting it (systemctl start docker)')
  await must('Starting the Docker engine', 'systemctl', ['start', 'docker'])
  return { hasEnded: () => false, logTail: () => 'see: journalctl -u docker' }
}

/** In a session of its own and with no tie to our terminal, so that it outlives both. */
async function startByHand(report: Report): Promise<StartAttempt> {
  const args = settingsNameMtu() ? [] : ['--mtu', String(hostMtu())]
  report(`starting it (dockerd ${args.join(' ')}; log in ${LOG})`)
  const log = openSync(LOG, 'w')
  const daemon = spawn('dockerd', args, { cwd: '/', detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  daemon.unref()
  let failure: string | undefined
  daemon.on('error', (error) => {
    failure = error.message
  })
  return {
    hasEnded: () => failure !== undefined || daemon.exitCode !== null || daemon.signalCode !== null,
    logTail: () => failure ?? lastLines(readFileSync(LOG, 'utf8'), 12),
  }
}

/** systemd starts the engine without arguments of ours: a small MTU has to be in its settings, which we never change when they exist. */
function settleMtu(report: Report): void {
  const mtu = hostMtu()
  if (mtu === STANDARD_MTU) return
  if (existsSync(SETTINGS)) {
    report(`${SETTINGS} exists and stays as it is; this network needs "mtu": ${mtu} in it`)
    return
  }
  mkdirSync(SETTINGS_FOLDER, { recursive: true })
  writeFileSync(SETTINGS, `${JSON.stringify({ mtu })}\n`)
}

/** The engine refuses to start when a setting is both in its file and among its arguments. */
function settingsNameMtu(): boolean {
  return existsSync(SETTINGS) && readFileSync(SETTINGS, 'utf8').includes('"mtu"')
}
