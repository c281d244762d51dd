import { execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { promisify } from 'node:util'
import { waitUntil } from './wait-until.ts'

const execute = promisify(execFile)
const ip = (...args: string[]) => execute('ip', args)

/** Its program: it sends its address to every connection. */
const server = `
import socket, sys, threading
def serve(s):
    kept = []
    while True: kept.append(s.accept()[0])
for port in sys.argv[1:]:
    s = socket.create_server(('0.0.0.0', int(port)), backlog=1000)
    threading.Thread(target=serve, args=(s,)).start()
print('ready', flush=True)
`

export interface OtherMachine {
  /** Where it is reached from here. */
  address: string
  port: number
  /** It is the cloud's metadata service, too. */
  metadata: { address: string; port: number }
  [Symbol.asyncDispose](): Promise<void>
}

/** A second machine, simulated by a network namespace behind a veth pair, listening on two addresses. Needs root. */
export async function otherMachine(): Promise<OtherMachine> {
  const name = `tbt${randomInt(1e6)}`
  const subnet = `10.${randomInt(100, 200)}.${randomInt(256)}`
  const metadata = '169.254.169.254'
  const [cable, end] = [`${name}h`, `${name}m`]
  await ip('netns', 'add', name)
  const inside = (...args: string[]) => ip('-n', name, ...args)
  await ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', end, 'netns', name)
  await ip('addr', 'add', `${subnet}.1/24`, 'dev', cable)
  await ip('link', 'set', cable, 'up')
  await inside('addr', 'add', `${subnet}.2/24`, 'dev', end)
  await inside('addr', 'add', `${metadata}/32`, 'dev', end)
  await inside('link', 'set', end, 'up')
  await inside('link', 'set', 'lo', 'up')
  await inside('route', 'add', 'default', 'via', `${subnet}.1`)
  await ip('route', 'add', `${metadata}/32`, 'via', `${subnet}.2`)
  const listening = spawn('ip', ['netns', 'exec', name, 'python3', '-c', server, '80', '8080'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let isReady = false
  listening.stdout.once('data', () => {
    isReady = true
  })
  await waitUntil('it listens', () => isReady)
  return {
    address: `${subnet}.2`,
    port: 8080,
    metadata: { address: metadata, port: 80 },
    async [Symbol.asyncDispose]() {
      listening.kill('SIGKILL')
      await ip('link', 'del', cable)
      await ip('netns', 'del', name)
    },
  }
}
