import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { removeGroup } from './control-groups.ts'
import { engineSocket, waitUntil } from './taibai.ts'

const execute = promisify(execFile)
const ip = (...args: string[]) => execute('ip', args)

/** Registries at addresses of this machine, as `Swarm` gives it one, show no certificate. */
const registries = ['10.99.0.0/16']

/** How long an engine may take to start on a busy machine. */
const startSeconds = 90

/**
 * An engine as if it were on another machine: with a network of its own behind a cable, and none of the files below `/tmp`, `/work`
 * and `/root`. Its processes stay in this machine's control groups. Needs root and Docker's programs.
 */
export class SecondEngine implements AsyncDisposable {
  readonly #name = `tbe${randomInt(1e6)}`
  readonly #folder = `/var/lib/taibai-test-${this.#name}`
  /** Here too: the way to it without a network. */
  readonly socket = `/run/taibai-test-${this.#name}/docker.sock`
  readonly #subnet = `10.${randomInt(100, 200)}.${randomInt(256)}`
  #process: ChildProcess | undefined
  #cgroupParent = '/taibai-test'

  /** Its address over the cable. */
  get tcp(): string {
    return `tcp://${this.itsAddress}:2375`
  }

  get itsAddress(): string {
    return `${this.#subnet}.2`
  }

  /** Address of this machine on the cable. */
  get ourAddress(): string {
    return `${this.#subnet}.1`
  }

  /** The cable's end on this machine. */
  get cable(): string {
    return `${this.#name}h`
  }

  /** `ociRuntimes`: beside its own, as `runtimes` of daemon.json. */
  static async start(
    ociRuntimes: Record<string, { path: string; runtimeArgs: string[] }> = {},
    cgroupParent?: string,
  ): Promise<SecondEngine> {
    const engine = new SecondEngine()
    if (cgroupParent !== undefined) engine.#cgroupParent = cgroupParent
    mkdirSync(engine.#folder)
    writeFileSync(
      join(engine.#folder, 'daemon.json'),
      JSON.stringify({ runtimes: ociRuntimes, 'insecure-registries': registries }),
    )
    mkdirSync(join(engine.socket, '..'), { recursive: true })
    try {
      await engine.begin()
      return engine
    } catch (error) {
      await engine[Symbol.asyncDispose]()
      throw error
    }
  }

  /** As after a reboot: what it has is as it was. */
  async begin(): Promise<void> {
    const log = openSync(join(this.#folder, 'engine.log'), 'a')
    const script = this.#script()
    const options = { stdio: ['ignore', log, log] as ('ignore' | number)[], detached: true }
    this.#process = spawn(
      'unshare',
      ['--net', '--uts', '--mount', '--propagation', 'private', 'sh', '-c', script],
      options,
    )
    closeSync(log)
    const pid = this.#process.pid as number
    await waitUntil('it has a network of its own', () => namespaceOf(pid) !== namespaceOf('self'), startSeconds)
    const end = `${this.#name}m`
    const { cable } = this
    await ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', end, 'netns', String(pid))
    await ip('addr', 'add', `${this.ourAddress}/24`, 'dev', cable)
    await ip('link', 'set', cable, 'up')
    await waitUntil('the second engine answers', () => this.#answers(), startSeconds).catch((error: unknown) => {
      throw new Error(`${error}\n${readFileSync(join(this.#folder, 'engine.log'), 'utf8').slice(-2000)}`)
    })
  }

  /** It ends, and its containers with it; those that are to come back do when it begins again. */
  async end(): Promise<void> {
    const running = this.#process
    this.#process = undefined
    if (running === undefined || running.exitCode !== null) return
    const gone = once(running, 'exit')
    // The whole group: the engine has programs of its own.
    process.kill(running.pid as number, 'SIGTERM')
    const late = setTimeout(() => process.kill(-(running.pid as number), 'SIGKILL'), 30_000)
    await gone
    clearTimeout(late)
    await ip('link', 'del', this.cable).catch(() => {})
  }

  /**
   * Kills the engine's own process, and nothing else: containers and the machine's network stay. The returned function starts it
   * again there.
   */
  async killEngine(): Promise<() => Promise<void>> {
    const killed = this.#process as ChildProcess
    const stays = spawn('nsenter', [`--target=${killed.pid}`, '--net', '--uts', '--mount', 'sleep', 'infinity'])
    await waitUntil('something stays in its network', () => namespaceOf(stays.pid as number) !== namespaceOf('self'))
    const gone = once(killed, 'exit')
    killed.kill('SIGKILL')
    await gone
    return async () => {
      const log = openSync(join(this.#folder, 'engine.log'), 'a')
      const within = [`--target=${stays.pid}`, '--net', '--uts', '--mount', 'sh', '-c', this.#engine()]
      this.#process = spawn('nsenter', within, { stdio: ['ignore', log, log], detached: true })
      closeSync(log)
      await waitUntil('the engine answers again', () => this.#answers(), startSeconds)
      stays.kill('SIGKILL')
    }
  }

  /** Copies images of the engine of the tests. */
  async bring(...images: string[]): Promise<void> {
    const save = spawn('docker', ['-H', `unix://${engineSocket}`, 'save', ...images], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const load = spawn('docker', ['-H', `unix://${this.socket}`, 'load'], { stdio: ['pipe', 'ignore', 'inherit'] })
    save.stdout.pipe(load.stdin)
    const [code] = await once(load, 'exit')
    if (code !== 0) throw new Error('The images could not be copied.')
  }

  async docker(...args: string[]): Promise<string> {
    return (await execute('docker', ['-H', `unix://${this.socket}`, ...args])).stdout.trim()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
    rmSync(join(this.socket, '..'), { recursive: true, force: true })
    await waitUntil('its folder can be removed', () => {
      rmSync(this.#folder, { recursive: true, force: true })
      return !existsSync(this.#folder)
    })
    removeGroup(this.#cgroupParent)
  }

  #script(): string {
    const end = `${this.#name}m`
    const hidden = ['/tmp', '/work', '/root', '/dev/shm'].map((path) => `mount -t tmpfs tmpfs ${path}`)
    return [
      ...hidden.filter((_, at) => existsSync(['/tmp', '/work', '/root', '/dev/shm'][at] as string)),
      `hostname ${this.#name}`,
      'ip link set lo up',
      `until ip link show ${end} >/dev/null 2>&1; do sleep 0.1; done`,
      `ip addr add ${this.#subnet}.2/24 dev ${end} && ip link set ${end} up && ip route add default via ${this.#subnet}.1`,
      this.#engine(),
    ].join('\n')
  }

  #engine(): string {
    const run = join(this.socket, '..')
    return [
      `rm -f ${run}/docker.pid`,
      `exec dockerd --config-file ${this.#folder}/daemon.json --data-root ${this.#folder}/data --exec-root ${run}/exec --pidfile ${run}/docker.pid --cgroup-parent ${this.#cgroupParent} --host unix://${this.socket} --host tcp://${this.#subnet}.2:2375 --tls=false`,
    ].join('\n')
  }

  #answers(): Promise<boolean> {
    if (this.#process?.exitCode !== null) throw new Error('the second engine has ended')
    return new Promise((resolve) => {
      const sent = request({ socketPath: this.socket, path: '/_ping', timeout: 2000 }, (response) => {
        response.resume()
        resolve(response.statusCode === 200)
      })
      sent.on('error', () => resolve(false)).on('timeout', () => sent.destroy())
      sent.end()
    })
  }
}

/** Network namespace of a process that has begun: until it is in another, it is in ours. */
function namespaceOf(pid: number | 'self'): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return readlinkSync('/proc/self/ns/net')
  }
}
