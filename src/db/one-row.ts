/** The row of a statement that always gives one: were there none, the fault would be ours. */
export function oneRow<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new Error('A statement gave no row')
  return row
}
