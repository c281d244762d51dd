import type { CommandSpec } from './command.ts'

type Load = () => Promise<{ commands: CommandSpec[] }>

/** Loaders of the commands by their first word; a file is loaded when one of its words is used. The order is that of the help. */
export const commandFiles: Record<string, Load> = {
  up: () => import('./up.ts'),
  down: () => import('./down.ts'),
  serve: () => import('./serve.ts'),
  service: () => import('./service.ts'),
  status: () => import('./status.ts'),
  doctor: () => import('./doctor.ts'),
  init: () => import('./init.ts'),
  dev: () => import('./dev/dev.ts'),
  deploy: () => import('./deploy.ts'),
  builds: () => import('./builds.ts'),
  invoke: () => import('./invoke.ts'),
  logs: () => import('./logs.ts'),
  list: () => import('./functions.ts'),
  show: () => import('./functions.ts'),
  update: () => import('./functions.ts'),
  delete: () => import('./functions.ts'),
  download: () => import('./functions.ts'),
  executions: () => import('./executions.ts'),
  cancel: () => import('./executions.ts'),
  'dead-letters': () => import('./dead-letters.ts'),
  explain: () => import('./executions.ts'),
  versions: () => import('./versions.ts'),
  aliases: () => import('./versions.ts'),
  rollback: () => import('./versions.ts'),
  jobs: () => import('./jobs.ts'),
  webhooks: () => import('./webhooks.ts'),
  sources: () => import('./sources.ts'),
  env: () => import('./env.ts'),
  secret: () => import('./secret.ts'),
  limits: () => import('./limits.ts'),
  projects: () => import('./limits.ts'),
  runtimes: () => import('./runtimes.ts'),
  workers: () => import('./workers.ts'),
  stats: () => import('./stats.ts'),
  usage: () => import('./usage.ts'),
  top: () => import('./top.ts'),
  simulate: () => import('./simulate.ts'),
  images: () => import('./images.ts'),
  registry: () => import('./registry.ts'),
  token: () => import('./token.ts'),
  'access-key': () => import('./access-key.ts'),
  whoami: () => import('./token.ts'),
  audit: () => import('./audit.ts'),
  settings: () => import('./settings.ts'),
  context: () => import('./context.ts'),
  export: () => import('./export.ts'),
  import: () => import('./export.ts'),
  backup: () => import('./backup.ts'),
  backups: () => import('./backup.ts'),
  restore: () => import('./backup.ts'),
  openapi: () => import('./openapi.ts'),
  completion: () => import('./completion.ts'),
}

/** The commands that begin with this word. */
export async function commandsOf(word: string): Promise<CommandSpec[]> {
  const file = await commandFiles[word]?.()
  return (file?.commands ?? []).filter(({ name }) => name.split(' ')[0] === word)
}

export async function allCommands(): Promise<CommandSpec[]> {
  return (await Promise.all(Object.keys(commandFiles).map(commandsOf))).flat()
}
