import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const root = resolve(import.meta.dirname, '../..')

/** A server of its own for the benchmark: fresh data, free port, real containers, authentication on. */
export interface Taibai {
  url: string
  pid: number
  token: string
  dataDir: string
  call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; json: Record<string, unknown>; headers: Headers }>
  /** A function made of one file; gives its id. */
  deploy(name: string, content: string, more?: Record<string, unknown>): Promise<string>
  stop(): Promise<void>
}

export async function startTaibai(settings: Record<string, string> = {}): Promise<Taibai> {
  const dataDir = mkdtempSync(join(tmpdir(), 'taibai-bench-'))
  const port = 20000 + Math.floor(Math.random() * 20000)
  const env = { ...process.env, TAIBAI_DATA_DIR: dataDir, TAIBAI_PORT: String(port), ...settings }
  const child = spawn(
    process.execPath,
    [...(process.env.BENCH_NODE_ARGS?.split(' ') ?? []), join(root, 'src/main.ts')],
    { env, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const url = `http://127.0.0.1:${port}`
  await ready(url, child)
  const token = readFileSync(join(dataDir, 'admin.token'), 'utf8').trim()
  const call: Taibai['call'] = async (method, path, body) => {
    const headers = { 'X-Auth-Token': token, ...(body !== undefined && { 'Content-Type': 'application/json' }) }
    const response = await fetch(url + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, json: text === '' ? {} : JSON.parse(text) }
  }
  const deploy: Taibai['deploy'] = async (name, content, more = {}) => {
    const filename = more.runtime === 'python3' ? 'main.py' : 'main.mjs'
    const made = await call('POST', '/v1/functions', {
      name,
      runtime: 'nodejs',
      code: { source: 'inline', filename, content },
      timeout: 60,
      ...more,
    })
    if (made.status !== 201) throw new Error(`deploying ${name}: ${JSON.stringify(made.json)}`)
    return String(made.json.id)
  }
  const stop = async () => {
    const ended = new Promise((done) => child.once('exit', done))
    child.kill('SIGTERM')
    await ended
    rmSync(dataDir, { recursive: true, force: true })
  }
  return { url, pid: child.pid as number, token, dataDir, call, deploy, stop }
}

async function ready(url: string, child: { exitCode: number | null }): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) throw new Error('the server ended while it started')
    const answer = await fetch(`${url}/readyz`).catch(() => null)
    if (answer?.ok) return
    await pause(50)
  }
  throw new Error('the server did not become ready')
}
