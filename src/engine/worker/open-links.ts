import type { Clock } from '../../domain/clock.ts'
import type { SandboxEngine } from '../sandbox/sandbox.ts'
import { FolderLinks } from './folder-links.ts'
import type { WorkerLinks } from './link.ts'
import { TcpLinks } from './tcp-links.ts'

/** The links for this engine. `workersDir`: parent of the workers' folders, where workers have folders. */
export async function openLinks(engine: SandboxEngine, workersDir: string, clock: Clock): Promise<WorkerLinks> {
  const { callers } = engine
  return callers === undefined ? new FolderLinks(engine, workersDir, clock) : TcpLinks.open(engine, callers, clock)
}
