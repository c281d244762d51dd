import { request } from 'node:http'

/** The engine that tests look into past the server: the one that the server uses by default. */
export const dockerSocket = (process.env.DOCKER_HOST ?? '').startsWith('unix://')
  ? (process.env.DOCKER_HOST as string).slice('unix://'.length)
  : '/var/run/docker.sock'

/** One request to the engine; returns the parsed response. Throws when the engine refuses. */
export function askDocker<T>(method: string, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: dockerSocket, method, path, headers: { Host: 'docker' } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => {
        const status = response.statusCode ?? 0
        if (status >= 400 && status !== 404 && status !== 409) reject(new Error(`${method} ${path}: ${status} ${text}`))
        else resolve((text === '' ? null : JSON.parse(text)) as T)
      })
    })
    sent.on('error', reject)
    sent.end()
  })
}

export interface ListedContainer {
  Id: string
  State: string
  Labels: Record<string, string>
}

/** Every container of one server instance, whatever its state. */
export function containersOf(instance: string): Promise<ListedContainer[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`io.taibai.instance=${instance}`] }))
  return askDocker('GET', `/containers/json?all=1&filters=${filters}`)
}

/** The networks of one server instance: a killed instance leaves them, and an engine has addresses for about thirty. */
export async function removeNetworksOf(instance: string): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`io.taibai.network=${instance}`] }))
  const found = await askDocker<{ Id: string }[]>('GET', `/networks?filters=${filters}`)
  await Promise.all(found.map(({ Id }) => askDocker('DELETE', `/networks/${Id}`).catch(() => {})))
}

export const removeContainer = (id: string): Promise<unknown> => askDocker('DELETE', `/containers/${id}?force=1&v=1`)
