import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from './wait-until.ts'

/** A registry of images that lets one user in (Debian's docker-registry and apache2-utils), or null where they are not installed. */
export class PrivateRegistry implements AsyncDisposable {
  readonly host: string
  readonly username = 'puller'
  readonly password = 'not~known?to>all'
  #process: ChildProcess
  #folder: string

  static async start(address: string): Promise<PrivateRegistry | null> {
    if (['docker-registry', 'htpasswd'].some((name) => !isInstalled(name))) return null
    const registry = new PrivateRegistry(`${address}:${20_000 + Math.floor(Math.random() * 10_000)}`)
    const status = () => fetch(`http://${registry.host}/v2/`).then(({ status }) => status)
    await waitUntil('the registry asks who is there', async () => (await status().catch(() => 0)) === 401, 30_000)
    return registry
  }

  private constructor(host: string) {
    this.host = host
    this.#folder = mkdtempSync(join(tmpdir(), 'taibai-registry-'))
    const users = join(this.#folder, 'users')
    writeFileSync(users, execFileSync('htpasswd', ['-Bbn', this.username, this.password]))
    const settings = {
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(this.#folder, 'images') } },
      http: { addr: host },
      auth: { htpasswd: { realm: 'test', path: users } },
    }
    // JSON is YAML.
    writeFileSync(join(this.#folder, 'config.yml'), JSON.stringify(settings))
    this.#process = spawn('docker-registry', ['serve', join(this.#folder, 'config.yml')], { stdio: 'ignore' })
  }

  /** `docker`: the command line of an engine that has the image. Afterwards that engine knows it by its old name alone. */
  async push(docker: (...args: string[]) => Promise<string>, image: string, name: string): Promise<string> {
    const there = `${this.host}/${name}`
    const config = ['--config', join(this.#folder, 'login')]
    await docker('tag', image, there)
    await docker(...config, 'login', '-u', this.username, '-p', this.password, this.host)
    await docker(...config, 'push', there)
    await docker('rmi', there)
    return there
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#process, 'exit')
    this.#process.kill()
    await gone
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`])
    return true
  } catch {
    return false
  }
}
