import { desc, eq, getTableColumns, lt, sql } from 'drizzle-orm'
import type { Build, BuildStore } from '../domain/functions/build.ts'
import { runWrite } from './constraint-errors.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { builds } from './schema.ts'

export class BuildRows implements BuildStore {
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#statements = prepare(database.orm)
  }

  insert(build: Build): void {
    runWrite(() => this.#statements.insert.run({ ...build, log: '' }))
  }

  end(build: Build, log: string): void {
    runWrite(() => this.#statements.update.run({ ...build, log }))
  }

  find(id: string): Build | null {
    return this.#statements.find.get({ id }) ?? null
  }

  log(id: string): string | null {
    return this.#statements.log.get({ id })?.log ?? null
  }

  list(projectId: string | null): Build[] {
    return projectId === null ? this.#statements.list.all() : this.#statements.listOfProject.all({ projectId })
  }

  settle(error: string, nowMs: number): number {
    return runWrite(() => this.#statements.settle.run({ error, endedAt: nowMs }).changes)
  }

  prune(keepPerProject: number, maxLogBytesPerProject: number): void {
    runWrite(() => {
      for (const { projectId } of this.#statements.projects.all()) {
        const last = this.#statements.nth.get({ projectId, at: keepPerProject - 1 })
        if (last !== undefined) this.#statements.deleteBefore.run({ projectId, id: last.id })
        this.#dropLogs(projectId, maxLogBytesPerProject)
      }
    })
  }

  #dropLogs(projectId: string, maxBytes: number): void {
    let bytes = 0
    for (const { id, logBytes } of this.#statements.logSizes.all({ projectId })) {
      bytes += logBytes
      if (bytes > maxBytes) this.#statements.dropLog.run({ id, log: droppedLog })
    }
  }
}

const droppedLog = '[This output is not kept any more.]\n'

function prepare(orm: Database['orm']) {
  const all = placeholders(builds)
  const { log: _log, ...shown } = getTableColumns(builds)
  const newestFirst = desc(builds.id)
  const byId = eq(builds.id, all.id)
  const ofProject = eq(builds.projectId, all.projectId)
  return {
    insert: orm.insert(builds).values(all).prepare(),
    update: orm.update(builds).set(all).where(byId).prepare(),
    find: orm.select(shown).from(builds).where(byId).prepare(),
    log: orm.select({ log: builds.log }).from(builds).where(byId).prepare(),
    list: orm.select(shown).from(builds).orderBy(newestFirst).prepare(),
    listOfProject: orm.select(shown).from(builds).where(ofProject).orderBy(newestFirst).prepare(),
    settle: orm
      .update(builds)
      .set({ status: 'interrupted', error: all.error, endedAt: all.endedAt })
      .where(eq(builds.status, 'running'))
      .prepare(),
    logSizes: orm
      .select({ id: builds.id, logBytes: sql<number>`octet_length(${builds.log})` })
      .from(builds)
      .where(sql`${ofProject} and ${builds.log} != '' and ${builds.log} != ${droppedLog}`)
      .orderBy(newestFirst)
      .prepare(),
    dropLog: orm.update(builds).set({ log: all.log }).where(byId).prepare(),
    projects: orm.selectDistinct({ projectId: builds.projectId }).from(builds).prepare(),
    nth: orm
      .select({ id: builds.id })
      .from(builds)
      .where(ofProject)
      .orderBy(newestFirst)
      .limit(1)
      .offset(sql.placeholder('at'))
      .prepare(),
    deleteBefore: orm
      .delete(builds)
      .where(sql`${ofProject} and ${lt(builds.id, all.id)}`)
      .prepare(),
  }
}
