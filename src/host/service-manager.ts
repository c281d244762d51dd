import { spawn } from 'node:child_process'
import { readHostEnvironment } from '../config.ts'

/**
 * News for a service manager such as systemd: ready, alive, stopping. Node.js has no datagram sockets of Unix, so
 * `systemd-notify` sends them, which is there wherever somebody waits for them.
 */
export interface ServiceManager {
  ready(): void
  stopping(): void
}

export function makeServiceManager(): ServiceManager {
  const { notifySocket, watchdogMs } = readHostEnvironment()
  if (notifySocket === undefined) return { ready: () => {}, stopping: () => {} }
  return {
    ready() {
      tell('READY=1')
      // Twice as often as it is wanted. An event loop that hangs sends nothing, and is started anew.
      if (watchdogMs !== undefined) setInterval(() => tell('WATCHDOG=1'), watchdogMs / 2).unref()
    },
    stopping: () => tell('STOPPING=1'),
  }
}

function tell(news: string): void {
  // A manager that cannot be told notices for itself.
  spawn('systemd-notify', [`--pid=${process.pid}`, news], { stdio: 'ignore' }).on('error', () => {})
}
