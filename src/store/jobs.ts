import { asc, eq } from 'drizzle-orm'
import type { Job, JobStore } from '../domain/triggers/job.ts'
import type { Database } from './database.ts'
import { jobs } from './schema.ts'
import { TriggerRows } from './triggers.ts'

export class JobRows extends TriggerRows<Job> implements JobStore {
  #database: Database
  #running: { all(): Job[] }

  constructor(database: Database) {
    super(database, jobs)
    this.#database = database
    const select = database.orm.select().from(jobs)
    this.#running = select.where(eq(jobs.status, 'running')).orderBy(asc(jobs.createdAt), asc(jobs.id)).prepare()
  }

  updateAll(changed: Job[]): void {
    this.#database.transaction(() => {
      for (const job of changed) this.update(job)
    })
  }

  listRunning(): Job[] {
    return this.#running.all()
  }
}
