export const other = () => null
