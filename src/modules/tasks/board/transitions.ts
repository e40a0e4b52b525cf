import type { ProjectStatus } from './columns.contract.js'

/**
 * Where columns lead once another one has become a part of one of them: what led to the one that is gone
 * leads to that column, which itself leads wherever the other did. So no way through the board is cut.
 * @returns those of the columns whose transitions change by it
 */
export function mergeTransitions(
  columns: readonly ProjectStatus[],
  gone: ProjectStatus,
  into: string,
): ProjectStatus[] {
  return columns.flatMap(column => {
    const { key, transitions } = column
    if (!transitions?.includes(gone.key)) return []
    const inherited = key === into ? gone.transitions : [into]
    if (inherited === null) return { ...column, transitions: null }
    const others = [...transitions, ...inherited].filter(other => other !== gone.key && other !== key)
    return { ...column, transitions: [...new Set(others)] }
  })
}
