/** One of the machines that workers run on. */
export interface Machine {
  id: string
  /** As people know it. */
  name: string
  memoryBytes: number
  processors: number
  labels: Record<string, string>
  /** It takes new workers now. */
  isOpen: boolean
}

/** The machines of an engine that has several, as they are now. */
export interface Machines {
  now(): Machine[]
  /** Called each time that one came, went or changed. */
  onChange(listener: () => void): void
}

/** Labels that a machine must have to run a function's workers; none: any machine does. */
export type Placement = Record<string, string>

/** The id of the only machine, where the engine does not tell machines apart. */
export const onlyMachine = ''

export const matchesPlacement = (labels: Record<string, string>, placement: Placement): boolean =>
  Object.entries(placement).every(([name, value]) => labels[name] === value)

/** `gpu=true, zone=a` */
export const placementText = (placement: Placement): string =>
  Object.entries(placement)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ')
