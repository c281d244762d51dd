import type { Clock } from '../../domain/clock.ts'
import type { SandboxEngine } from '../sandbox/sandbox.ts'
import { FolderLinks } from './folder-links.ts'
import type { WorkerLinks } from './link.ts'
import { TcpLinks } from './tcp-links.ts'

/** The links that an engine asks for. `workersDir`: parent of the workers' folders, where they have any. */
export async function openLinks(engine: SandboxEngine, workersDir: string, clock: Clock): Promise<WorkerLinks> {
  const { callers } = engine
  return callers === undefined ? new FolderLinks(engine, workersDir) : TcpLinks.open(engine, callers, clock)
}
