import { and, asc, eq } from 'drizzle-orm'
import type { Job, JobStore } from '../domain/job.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { written } from './refusals.ts'
import { jobs } from './schema.ts'

export class JobRows implements JobStore {
  #database: Database
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#database = database
    this.#statements = prepare(database.orm)
  }

  insert(job: Job): void {
    written(() => this.#statements.insert.run({ ...job }))
  }

  update(job: Job): void {
    written(() => this.#statements.update.run({ ...job }))
  }

  updateAll(changed: Job[]): void {
    written(() =>
      this.#database.transaction(() => {
        for (const job of changed) this.#statements.update.run({ ...job })
      }),
    )
  }

  delete(id: string): boolean {
    return written(() => this.#statements.delete.run({ id }).changes > 0)
  }

  find(id: string): Job | null {
    return this.#statements.find.get({ id }) ?? null
  }

  list(projectId: string | null): Job[] {
    return projectId === null ? this.#statements.list.all() : this.#statements.listOfProject.all({ projectId })
  }

  listOfFunction(functionId: string): Job[] {
    return this.#statements.listOfFunction.all({ functionId })
  }

  listOfAlias(projectId: string, alias: string): Job[] {
    return this.#statements.listOfAlias.all({ projectId, functionAlias: alias })
  }

  listRunning(): Job[] {
    return this.#statements.listRunning.all()
  }
}

function prepare(orm: Database['orm']) {
  const all = placeholders(jobs)
  const byId = eq(jobs.id, all.id)
  const ofProject = eq(jobs.projectId, all.projectId)
  const select = () => orm.select().from(jobs)
  const inOrder = [asc(jobs.createdAt), asc(jobs.id)]
  return {
    insert: orm.insert(jobs).values(all).prepare(),
    update: orm.update(jobs).set(all).where(byId).prepare(),
    delete: orm.delete(jobs).where(byId).prepare(),
    find: select().where(byId).prepare(),
    list: select()
      .orderBy(...inOrder)
      .prepare(),
    listOfProject: select()
      .where(ofProject)
      .orderBy(...inOrder)
      .prepare(),
    listOfFunction: select()
      .where(eq(jobs.functionId, all.functionId))
      .orderBy(...inOrder)
      .prepare(),
    listOfAlias: select()
      .where(and(ofProject, eq(jobs.functionAlias, all.functionAlias)))
      .orderBy(...inOrder)
      .prepare(),
    listRunning: select()
      .where(eq(jobs.status, 'running'))
      .orderBy(...inOrder)
      .prepare(),
  }
}
