export function main() {
  return (
}
