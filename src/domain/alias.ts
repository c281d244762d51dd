/** A movable name for a function and version; resolved when it runs. */
export interface Alias {
  id: string
  projectId: string
  name: string
  description: string | null
  functionId: string
  functionVersion: number
  createdAt: number
  updatedAt: number | null
}

export interface AliasStore {
  insert(alias: Alias): void
  update(alias: Alias): void
  delete(id: string): boolean
  find(projectId: string, name: string): Alias | null
  /** In any project, by created_at: for admins. */
  findAnywhere(name: string): Alias[]
  list(projectId: string | null): Alias[]
  listOfFunction(functionId: string): Alias[]
}
