// The docker command line, always pointed at the engine that the server will use too.
import { type CommandOptions, type CommandResult, must, run } from './command.ts'

const DEFAULT_ENGINE_SOCKET = '/var/run/docker.sock'

/** Without this the command line would follow its own "context" and could talk to another engine than the server. */
export function engineAddress(env: NodeJS.ProcessEnv = process.env): string {
  return env.TAIBAI_DOCKER_HOST || env.DOCKER_HOST || `unix://${DEFAULT_ENGINE_SOCKET}`
}

export function docker(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  return run('docker', args, withEngine(options))
}

export function dockerMust(purpose: string, args: string[], options: CommandOptions = {}): Promise<string> {
  return must(purpose, 'docker', args, withEngine(options))
}

/** The labels of a local image and its id, or nothing when there is no such image. */
export async function inspectImage(image: string): Promise<{ id: string; labels: Record<string, string> } | undefined> {
  const result = await docker(['image', 'inspect', '--format', '{{json .Id}} {{json .Config.Labels}}', image])
  if (result.code !== 0) return undefined
  const [id = '""', labels = 'null'] = splitOnce(result.stdout.trim(), ' ')
  return { id: JSON.parse(id), labels: JSON.parse(labels) ?? {} }
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)]
}

function withEngine(options: CommandOptions): CommandOptions {
  return { ...options, env: { ...process.env, ...options.env, DOCKER_HOST: engineAddress() } }
}
