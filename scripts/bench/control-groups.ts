import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Control groups as parents of containers: what is in one together, and on which processors. As root, with cgroupfs. */

const root = '/sys/fs/cgroup'
const isFirstVersion = existsSync(join(root, 'cpuset'))
const within = (controller: string, name: string): string =>
  isFirstVersion ? join(root, controller, name) : join(root, name)

/** The name as engines take it. `processors`: those that its processes may use; absent: all. */
export function makeGroup(name: string, processors?: string): string {
  for (const controller of ['cpuset', 'cpuacct']) mkdirSync(within(controller, name), { recursive: true })
  const write = (file: string, text: string) => writeFileSync(join(within('cpuset', name), file), text)
  const all = (file: string) => readFileSync(join(root, isFirstVersion ? 'cpuset' : '', file), 'utf8').trim()
  if (isFirstVersion) write('cpuset.mems', all('cpuset.mems'))
  if (isFirstVersion || processors !== undefined) write('cpuset.cpus', processors ?? all('cpuset.cpus'))
  return `/${name}`
}

/** Lets all that is in it count for `times` as much as another program or group beside it. */
export function weighGroup(group: string, times: number): void {
  const name = group.slice(1)
  if (isFirstVersion) mkdirSync(within('cpu', name), { recursive: true })
  const [file, one] = isFirstVersion ? ['cpu.shares', 1024] : ['cpu.weight', 100]
  writeFileSync(join(within('cpu', name), String(file)), String(Number(one) * times))
}

/** Processor time that all its processes have used, in ms. */
export function groupCpu(group: string): number {
  const name = group.slice(1)
  if (isFirstVersion) return Number(readFileSync(join(within('cpuacct', name), 'cpuacct.usage'), 'utf8')) / 1e6
  const [, micros = '0'] = /usage_usec (\d+)/.exec(readFileSync(join(root, name, 'cpu.stat'), 'utf8')) ?? []
  return Number(micros) / 1000
}

/** Engines make a group in every hierarchy, and leave it. One that an engine still uses stays. */
export function removeGroup(group: string): void {
  for (const hierarchy of ['', ...readdirSync(root)]) {
    try {
      rmdirSync(join(root, hierarchy, group))
    } catch {
      // It is not in this one, or in use.
    }
  }
}
