export function main(event) {
  const name = event?.name ?? 'world'
  console.log(`greeting ${name}`)
  return { greeting: `Hello, ${name}!` }
}
