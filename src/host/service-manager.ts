import { spawn } from 'node:child_process'
import { readHostEnvironment } from '../config.ts'

/**
 * Notifies a service manager such as systemd: ready, alive, stopping. Node.js has no Unix datagram sockets, so the program
 * `systemd-notify` sends the messages.
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
      // Sent twice per interval. A blocked event loop sends nothing, so the service manager restarts the server.
      if (watchdogMs !== undefined) setInterval(() => tell('WATCHDOG=1'), watchdogMs / 2).unref()
    },
    stopping: () => tell('STOPPING=1'),
  }
}

function tell(news: string): void {
  // A manager that cannot be notified notices by itself.
  spawn('systemd-notify', [`--pid=${process.pid}`, news], { stdio: 'ignore' }).on('error', () => {})
}
