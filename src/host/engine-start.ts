import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { lastLines, runOrThrow } from './command.ts'
import { installPackages } from './debian-packages.ts'
import type { EngineClient } from './engine-client.ts'
import { hostMtu, standardMtu } from './host-mtu.ts'
import { SetupProblem } from './problem.ts'
import type { Report } from './progress.ts'

/** Installs Docker from Debian's packages and starts its engine, with systemd or directly. */

const settingsFolder = '/etc/docker'
const settingsFile = `${settingsFolder}/daemon.json`
const logFile = '/var/log/taibai-dockerd.log'
const startLimitMs = 60_000
const pollMs = 200

/** A start in progress. */
interface StartAttempt {
  hasEnded(): boolean
  logTail(): string
}

export async function installEngine(hasSystemd: boolean, report: Report): Promise<void> {
  if (hasSystemd) settleMtu(report)
  // Without systemd the package would start the engine with its own settings; runlevel 1 prevents that.
  await installPackages(['docker.io'], report, hasSystemd ? {} : { RUNLEVEL: '1' })
}

/** Starts the engine and waits until it answers; a failed start is a problem with the end of its log. */
export async function startEngine(engine: EngineClient, hasSystemd: boolean, report: Report): Promise<void> {
  const attempt = await (hasSystemd ? startWithSystemd(report) : startByHand(report))
  const deadline = performance.now() + startLimitMs
  while (performance.now() < deadline) {
    if ((await engine.ask()) === 'yes') return
    if (attempt.hasEnded())
      throw new SetupProblem(`The Docker engine ended while starting. The end of its log:\n${attempt.logTail()}`)
    await sleep(pollMs)
  }
  throw new SetupProblem(
    `The Docker engine did not answer within ${startLimitMs / 1000} s. The end of its log:\n${attempt.logTail()}`,
  )
}

async function startWithSystemd(report: Report): Promise<StartAttempt> {
  report('starting it (systemctl start docker)')
  await runOrThrow('Starting the Docker engine', 'systemctl', ['start', 'docker'])
  return { hasEnded: () => false, logTail: () => 'see: journalctl -u docker' }
}

/** Runs in a session of its own, detached from our terminal, so that it outlives both. */
async function startByHand(report: Report): Promise<StartAttempt> {
  const args = settingsNameMtu() ? [] : ['--mtu', String(hostMtu())]
  report(`starting it (dockerd ${args.join(' ')}; log in ${logFile})`)
  const log = openSync(logFile, 'w')
  const daemon = spawn('dockerd', args, { cwd: '/', detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  daemon.unref()
  let failure: string | undefined
  daemon.on('error', (error) => {
    failure = error.message
  })
  return {
    hasEnded: () => failure !== undefined || daemon.exitCode !== null || daemon.signalCode !== null,
    logTail: () => failure ?? lastLines(readFileSync(logFile, 'utf8'), 12),
  }
}

/**
 * systemd starts the engine without our arguments, so a small MTU must be in its settings file, which we never change when it
 * exists.
 */
function settleMtu(report: Report): void {
  const mtu = hostMtu()
  if (mtu === standardMtu) return
  if (existsSync(settingsFile)) {
    report(`${settingsFile} exists and stays as it is; this network needs "mtu": ${mtu} in it`)
    return
  }
  mkdirSync(settingsFolder, { recursive: true })
  writeFileSync(settingsFile, `${JSON.stringify({ mtu })}\n`)
}

/** The engine refuses to start when a setting is both in its file and among its arguments. */
function settingsNameMtu(): boolean {
  return existsSync(settingsFile) && readFileSync(settingsFile, 'utf8').includes('"mtu"')
}
