/** One step of the schema. Once released it never changes: a later one corrects it. */
export interface Migration {
  /** Its number and name, as in its file name; sorts as it is applied. */
  readonly id: string
  readonly statements: readonly string[]
}
