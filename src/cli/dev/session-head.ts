import { relative } from 'node:path'
import type { Cli } from '../command.ts'
import type { Debugging } from './debugging.ts'
import { jobsOf } from './dev-jobs.ts'
import type { Project } from './project.ts'
import type { Screen } from './screen.ts'
import type { DevServer } from './server.ts'

type Field = [name: string, value: string]

/** Says where everything is: the server, the token, functions, jobs and debuggers. */
export function showHead(
  { out, isInteractive }: Cli,
  screen: Screen,
  project: Project,
  { server, debugging }: { server: DevServer; debugging: Debugging },
): void {
  const { url } = server.client
  const names = project.functions.map(({ name }) => name)
  const jobs = jobsOf(project)
  screen.event('server', {
    url,
    own: server.isOwn,
    engine: server.engine ?? null,
    functions: names,
    debuggers: debugging.addresses,
  })
  if (out.json) return
  out.line(out.style('bold', 'taibai dev'))
  out.fields([
    ['server', `${url} (${server.about})`],
    ...(server.dataDir === undefined
      ? []
      : [['token', `$(cat ${relative(process.cwd(), server.dataDir)}/admin.token)`] as Field]),
    ...names.map((name): Field => [name, `${url}/fn/${name}`]),
    ...jobs.map(({ fn, name, when }): Field => ['job', `${fn}/${name}  ${when}  (only when you run it: j)`]),
    ...debugging.addresses.map(({ name, address }): Field => ['debugger', `${name}  ${address}`]),
  ])
  if (isInteractive) showKeys(screen)
  out.line()
}

export function showKeys(screen: Screen): void {
  screen.dim('keys: r serve all again · j run a job · u addresses · c clear · h keys · q quit')
}
