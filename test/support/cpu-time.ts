/** Milliseconds of processor time of this process that some work took: a busy machine makes it wait, and not work. */
export async function cpuMsOf(work: () => unknown): Promise<number> {
  const from = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 1000
}
