import { and, asc, eq } from 'drizzle-orm'
import type { Webhook, WebhookStore } from '../domain/webhook.ts'
import type { Database } from './database.ts'
import { placeholders } from './placeholders.ts'
import { written } from './refusals.ts'
import { webhooks } from './schema.ts'

export class WebhookRows implements WebhookStore {
  #statements: ReturnType<typeof prepare>

  constructor(database: Database) {
    this.#statements = prepare(database.orm)
  }

  insert(webhook: Webhook): void {
    written(() => this.#statements.insert.run({ ...webhook }))
  }

  update(webhook: Webhook): void {
    written(() => this.#statements.update.run({ ...webhook }))
  }

  delete(id: string): boolean {
    return written(() => this.#statements.delete.run({ id }).changes > 0)
  }

  find(id: string): Webhook | null {
    return this.#statements.find.get({ id }) ?? null
  }

  list(projectId: string | null): Webhook[] {
    return projectId === null ? this.#statements.list.all() : this.#statements.listOfProject.all({ projectId })
  }

  listOfFunction(functionId: string): Webhook[] {
    return this.#statements.listOfFunction.all({ functionId })
  }

  listOfAlias(projectId: string, alias: string): Webhook[] {
    return this.#statements.listOfAlias.all({ projectId, functionAlias: alias })
  }
}

function prepare(orm: Database['orm']) {
  const all = placeholders(webhooks)
  const byId = eq(webhooks.id, all.id)
  const ofProject = eq(webhooks.projectId, all.projectId)
  const select = () => orm.select().from(webhooks)
  const inOrder = [asc(webhooks.createdAt), asc(webhooks.id)]
  return {
    insert: orm.insert(webhooks).values(all).prepare(),
    update: orm.update(webhooks).set(all).where(byId).prepare(),
    delete: orm.delete(webhooks).where(byId).prepare(),
    find: select().where(byId).prepare(),
    list: select()
      .orderBy(...inOrder)
      .prepare(),
    listOfProject: select()
      .where(ofProject)
      .orderBy(...inOrder)
      .prepare(),
    listOfFunction: select()
      .where(eq(webhooks.functionId, all.functionId))
      .orderBy(...inOrder)
      .prepare(),
    listOfAlias: select()
      .where(and(ofProject, eq(webhooks.functionAlias, all.functionAlias)))
      .orderBy(...inOrder)
      .prepare(),
  }
}
