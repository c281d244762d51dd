/** A URL that creates executions without credentials. With an alias, function and version are null. */
export interface Webhook {
  id: string
  projectId: string
  functionId: string | null
  functionVersion: number | null
  functionAlias: string | null
  description: string | null
  createdAt: number
  updatedAt: number | null
}

export interface WebhookStore {
  insert(webhook: Webhook): void
  update(webhook: Webhook): void
  delete(id: string): boolean
  find(id: string): Webhook | null
  list(projectId: string | null): Webhook[]
  listOfFunction(functionId: string): Webhook[]
  listOfAlias(projectId: string, alias: string): Webhook[]
}
