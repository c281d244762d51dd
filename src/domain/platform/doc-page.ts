/** A page of the documentation, as it is shipped with the program. */
export interface DocPage {
  /** The file's name without extension; `README` lists the others. */
  name: string
  markdown: string
}
